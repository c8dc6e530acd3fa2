import t from 'tap'
import { AppError } from '../../core/errors.ts'
import { countRequests, createGatewayMetrics } from '../../gateway/metrics.ts'
import { closeHttpApp, createHttpApp } from '../../lib/http/app.ts'
import { createMetrics } from '../../lib/metrics/metrics.ts'
import { silentLog } from '../fakes/silent-log.ts'

t.test('requests are counted by the pattern of their route, hijacked ones too', async (t) => {
  const metrics = createMetrics()
  const app = createHttpApp({ log: silentLog })
  t.teardown(() => closeHttpApp(app, 0))
  countRequests(app, createGatewayMetrics(metrics))
  app.get('/v1/torrents/:infoHash', async () => 'ok')
  app.get('/*', async (_request, reply) => {
    reply.hijack()
    reply.raw.writeHead(206).end('bytes')
  })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  for (const path of ['/v1/torrents/a', '/v1/torrents/b', '/a/b', '/c']) {
    await (await fetch(url + path)).text()
  }
  await (await fetch(url, { method: 'DELETE' })).text()
  const text = await metrics.registry.metrics()
  for (const [labels, count] of [
    ['route="/v1/torrents/:infoHash",method="GET",status="200"', 2],
    ['route="/*",method="GET",status="206"', 2],
    ['route="none",method="DELETE",status="405"', 1]
  ] as const) {
    t.match(text, `swarmgate_http_requests_total{${labels}} ${count}`)
  }
})

t.test('what the wildcard route answers is told apart by what it was', async (t) => {
  const metrics = createMetrics()
  const app = createHttpApp({ log: silentLog })
  t.teardown(() => closeHttpApp(app, 0))
  countRequests(app, createGatewayMetrics(metrics))
  app.get('/*', async (request) => {
    if (request.url === '/a.torrent') request.contentRoute = 'document'
    if (request.url === '/missing') throw new AppError('FILE_UNKNOWN', 'no such file')
    return 'ok'
  })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  for (const path of ['/a.torrent', '/b', '/missing']) await (await fetch(url + path)).text()
  const text = await metrics.registry.metrics()
  for (const labels of [
    'route="document",method="GET",status="200"',
    'route="/*",method="GET",status="200"',
    'route="/*",method="GET",status="404"'
  ]) {
    t.match(text, `swarmgate_http_requests_total{${labels}} 1`)
  }
})

t.test('the names are those of the contract', async (t) => {
  const metrics = createMetrics()
  const gateway = createGatewayMetrics(metrics)
  gateway.responseBytes.inc({ source: 'library' }, 10)
  gateway.firstByteSeconds.observe(0.2)
  gateway.stalls.inc()
  for (const source of ['cache', 'peer', 'seeder', 'webseed'])
    gateway.responseBytes.inc({ source }, 1)
  const text = await metrics.registry.metrics()
  t.match(text, 'swarmgate_http_response_bytes_total{source="library"} 10')
  for (const source of ['cache', 'peer', 'seeder', 'webseed']) {
    t.match(text, `swarmgate_http_response_bytes_total{source="${source}"} 1`)
  }
  t.match(text, 'swarmgate_http_first_byte_seconds_count 1')
  t.match(text, 'swarmgate_http_stalls_total 1')
})
