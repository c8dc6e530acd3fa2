import t from 'tap'
import { measureEventLoopDelay } from '../../../lib/metrics/event-loop-delay.ts'
import { createMetrics } from '../../../lib/metrics/metrics.ts'

t.test('counters, gauges and histograms are shown as Prometheus text', async (t) => {
  const metrics = createMetrics()
  metrics.counter('bytes_total', 'Bytes', ['source']).inc({ source: 'cache' }, 5)
  metrics.gauge('peers', 'Peers').set(2)
  metrics.histogram('wait_seconds', 'Waits', ['route'], [1, 2]).observe({ route: 'file' }, 1.5)
  const text = await metrics.registry.metrics()
  t.match(text, /^# HELP bytes_total Bytes$/m)
  t.match(text, /^bytes_total\{source="cache"\} 5$/m)
  t.match(text, /^peers 2$/m)
  t.match(
    text,
    /^wait_seconds_bucket\{route="file",le="1"\} 0$|^wait_seconds_bucket\{le="1",route="file"\} 0$/m
  )
  t.match(text, /^wait_seconds_count\{route="file"\} 1$/m)
})

t.test('a gauge that collects is asked at each scrape', async (t) => {
  const metrics = createMetrics()
  let peers = 1
  metrics.gauge('peers', 'Peers', ['class'], (gauge) => gauge.set({ class: 'seeder' }, peers))
  t.match(await metrics.registry.metrics(), /^peers\{class="seeder"\} 1$/m)
  peers = 7
  t.match(await metrics.registry.metrics(), /^peers\{class="seeder"\} 7$/m)
})

t.test('asking again for a name gives the same metric', async (t) => {
  const { counter, gauge, histogram } = createMetrics()
  t.equal(counter('a', 'A'), counter('a', 'A'))
  t.equal(gauge('b', 'B'), gauge('b', 'B'))
  t.equal(histogram('c', 'C'), histogram('c', 'C'))
})

t.test('a name is of one kind', async (t) => {
  const { counter, gauge, histogram } = createMetrics()
  gauge('a', 'A')
  counter('b', 'B')
  t.throws(() => counter('a', 'A'), /another kind/)
  t.throws(() => histogram('a', 'A'), /another kind/)
  t.throws(() => gauge('b', 'B'), /another kind/)
})

t.test('two sets of metrics do not know of each other', async (t) => {
  createMetrics().counter('a', 'A').inc()
  t.notMatch(await createMetrics().registry.metrics(), /^a 1$/m)
})

t.test('the delay of the event loop is shown by quantile', async (t) => {
  const metrics = createMetrics()
  const service = measureEventLoopDelay(metrics)
  t.teardown(() => service.close())
  const text = await metrics.registry.metrics()
  for (const quantile of ['0.5', '0.99', '1']) {
    const name = 'swarmgate_event_loop_delay_seconds'
    t.match(text, new RegExp(`^${name}\\{quantile="${quantile}"\\} [0-9.e-]+$`, 'm'))
  }
  await service.close()
})
