import { type AddressInfo, connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { closeHttpApp, createHttpApp } from '../../../lib/http/app.ts'
import { limitHeldBytes } from '../../../lib/http/held-bytes.ts'
import { silentLog as log } from '../../fakes/silent-log.ts'
import { get } from '../../gateway/content/content-rig.ts'

/** More than the system's buffers of a connection on this machine take. */
const LARGE = 16 * 2 ** 20

/** A server of large and small answers that may hold two large ones. */
async function serving(t: Test) {
  const clock = { ms: 0 }
  const app = createHttpApp({ log })
  const held = limitHeldBytes(app, { limitBytes: 2.5 * LARGE, patienceMs: 1000 }, () => clock.ms)
  app.route({
    method: ['GET', 'HEAD'],
    url: '/large',
    exposeHeadRoute: false,
    handler: async () => Buffer.alloc(LARGE)
  })
  app.get('/larger', async () => 'x'.repeat(3 * LARGE))
  app.get('/small', async () => 'small')
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => closeHttpApp(app, 0))
  const { port } = app.server.address() as AddressInfo
  return { clock, held, port, url: `http://127.0.0.1:${port}` }
}

/** A client that asks and does not read. */
function stalled(t: Test, port: number): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  t.teardown(() => void socket.destroy())
  socket.pause()
  socket.write('GET /large HTTP/1.1\r\nHost: a\r\n\r\n')
  return socket
}

/** The test's own timeout is the limit. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate)
}

t.test('large answers that nobody reads have a bound, and small ones do not count', async (t) => {
  const { held, port, url } = await serving(t)
  t.equal((await get(`${url}/large`)).body.length, LARGE)
  await until(() => held.bytes === 0)
  const clients = [stalled(t, port), stalled(t, port)]
  await until(() => held.bytes === 2 * LARGE)
  const refused = await get(`${url}/large`)
  t.match(refused, { status: 429, headers: { 'retry-after': '5' } })
  t.equal(JSON.parse(refused.body.toString()).code, 'TOO_MANY_RESPONSES')
  t.equal((await get(`${url}/small`)).status, 200)
  t.equal((await get(`${url}/large`, { method: 'HEAD' })).status, 200, 'it has no body to hold')
  t.equal(held.bytes, 2 * LARGE)
  for (const client of clients) client.destroy()
  await until(() => held.bytes === 0)
  t.equal((await get(`${url}/large`)).status, 200)
})

t.test('whoever has been reading for long gives way, the oldest first', async (t) => {
  const { clock, held, port, url } = await serving(t)
  const oldest = stalled(t, port)
  await until(() => held.bytes === LARGE)
  clock.ms = 600
  const other = stalled(t, port)
  await until(() => held.bytes === 2 * LARGE)
  clock.ms = 1000
  t.equal((await get(`${url}/large`)).body.length, LARGE)
  oldest.resume()
  await new Promise((resolve) => oldest.once('close', resolve))
  t.notOk(other.closed)
})

t.test('one answer larger than all that may be held is sent alone', async (t) => {
  const { held, port, url } = await serving(t)
  t.equal((await get(`${url}/larger`)).body.length, 3 * LARGE)
  await until(() => held.bytes === 0)
  stalled(t, port)
  await until(() => held.bytes === LARGE)
  t.equal((await get(`${url}/larger`)).status, 429)
})
