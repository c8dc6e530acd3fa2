import { pino } from 'pino'
import t from 'tap'
import { createAdmin, type Health } from '../../../lib/http/admin.ts'
import { createMetrics } from '../../../lib/metrics/metrics.ts'

const log = pino({ level: 'silent' })
const config = { host: '127.0.0.1', port: 0 }

t.test('the admin port serves metrics and health as they are now', async (t) => {
  const metrics = createMetrics()
  metrics.counter('swarmgate_things_total', 'Things').inc(3)
  let state: Health = { live: true, ready: false, detail: { tracker: 'unreachable' } }
  const admin = await createAdmin(config, { metrics, health: () => state, log })
  t.teardown(() => admin.close())
  const url = `http://127.0.0.1:${admin.address.port}`

  const scrape = await fetch(`${url}/metrics`)
  t.equal(scrape.headers.get('content-type'), metrics.registry.contentType)
  t.match(await scrape.text(), /^swarmgate_things_total 3$/m)

  const ready = await fetch(`${url}/health/ready`)
  t.equal(ready.status, 503)
  t.equal(ready.headers.get('cache-control'), 'no-store')
  t.same(await ready.json(), { ready: false, tracker: 'unreachable' })
  t.equal((await fetch(`${url}/health/live`)).status, 200)

  state = { live: false, ready: true }
  t.same(await (await fetch(`${url}/health/ready`)).json(), { ready: true })
  t.equal((await fetch(`${url}/health/live`)).status, 503)
  t.equal((await fetch(`${url}/`)).status, 404)
})

t.test('closing twice is allowed, and the port is free then', async (t) => {
  const deps = { metrics: createMetrics(), health: () => ({ live: true, ready: true }), log }
  const admin = await createAdmin(config, deps)
  await admin.close()
  await admin.close()
  const again = await createAdmin({ ...config, port: admin.address.port }, deps)
  await again.close()
  t.pass('bound again')
})

t.test('a taken port is an error', async (t) => {
  const deps = { metrics: createMetrics(), health: () => ({ live: true, ready: true }), log }
  const admin = await createAdmin(config, deps)
  t.teardown(() => admin.close())
  const taken = createAdmin({ ...config, port: admin.address.port }, deps)
  await t.rejects(taken, { code: 'EADDRINUSE' })
})
