import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { AppError } from '../../../core/errors.ts'
import { createControlClient } from '../../../lib/control/client.ts'
import { controlSuite } from '../../contract/control-suite.ts'
import { openControl } from '../../tracker/open-control.ts'
import { SECRET, serveControl } from '../../tracker/serve-control.ts'
import { nodeId, torrentOf } from '../../tracker/torrents.ts'

const { infoHash } = torrentOf('a').draft

controlSuite(t, async (t) => {
  const fixture = await openControl(t)
  return { ...fixture, control: clientOf(t, await serveControl(t, fixture.control)) }
})

t.test('nobody listening is "unavailable", with the cause', async (t) => {
  const url = await serve(t, () => {}, { closed: true })
  const err = await failure(clientOf(t, url).lookup(infoHash))
  t.equal(err.code, 'TRACKER_UNAVAILABLE')
  t.match(err.cause, { code: 'ECONNREFUSED' })
})

t.test('a wrong secret is "unavailable" and not the caller’s fault', async (t) => {
  const { control } = await openControl(t)
  const client = clientOf(t, await serveControl(t, control), { secret: 'another' })
  const err = await failure(client.lookup(infoHash))
  t.equal(err.code, 'TRACKER_UNAVAILABLE')
  t.match(err.cause, { code: 'KEY_REQUIRED' })
})

t.test('a tracker without a control interface never passes for "unknown"', async (t) => {
  const { control } = await openControl(t)
  const url = await serveControl(t, control, '')
  const err = await failure(clientOf(t, url).lookup(infoHash))
  t.equal(err.code, 'TRACKER_UNAVAILABLE')
})

t.test('another program’s 404 never passes for "unknown"', async (t) => {
  const url = await serve(t, (_request, response) => response.writeHead(404).end('not here'))
  t.equal((await failure(clientOf(t, url).lookup(infoHash))).code, 'TRACKER_UNAVAILABLE')
})

t.test('an answer of another form is no answer', async (t) => {
  const url = await serve(t, (_request, response) => response.end('{"name": 1}'))
  const client = clientOf(t, url)
  t.equal((await failure(client.lookup(infoHash))).code, 'TRACKER_UNAVAILABLE')
  t.equal((await failure(client.snapshot())).code, 'TRACKER_UNAVAILABLE')
})

t.test('an answer that is cut off is no answer', async (t) => {
  const url = await serve(t, (_request, response) => {
    response.writeHead(200, { 'content-length': '1000' })
    response.write('{', () => response.destroy())
  })
  t.equal((await failure(clientOf(t, url).metainfo(infoHash))).code, 'TRACKER_UNAVAILABLE')
})

t.test('an answer that does not come in time is no answer', async (t) => {
  const url = await serve(t, () => {})
  const err = await failure(clientOf(t, url, { timeoutMs: 20 }).assignments(nodeId(1)))
  t.equal(err.code, 'TRACKER_UNAVAILABLE')
  t.match(err.cause, { name: 'TimeoutError' })
})

t.test('a tracker that fails is "unavailable", also when it says so', async (t) => {
  const url = await serve(t, (_request, response) => {
    response.writeHead(500, { 'content-type': 'application/problem+json' })
    response.end(JSON.stringify({ code: 'STORE_FAILED', detail: 'broken' }))
  })
  const err = await failure(clientOf(t, url).lookup(infoHash))
  t.equal(err.code, 'TRACKER_UNAVAILABLE')
  t.match(err.cause, { code: 'STORE_FAILED', message: 'broken' })
})

t.test('a full tracker says so to the publisher', async (t) => {
  const url = await serve(t, (request, response) => {
    request.resume()
    response.writeHead(507, { 'content-type': 'application/problem+json' })
    response.end(JSON.stringify({ code: 'STORE_FULL', detail: 'no room' }))
  })
  const { draft, info } = torrentOf('a')
  const err = await failure(clientOf(t, url).commit(draft, info, nodeId(1)))
  t.match(err, { code: 'STORE_FULL', message: 'no room' })
})

t.test('a closed client answers nothing any more', async (t) => {
  const { control } = await openControl(t)
  const client = clientOf(t, await serveControl(t, control))
  await client.close()
  t.equal((await failure(client.lookup(infoHash))).code, 'TRACKER_UNAVAILABLE')
  await client.close()
})

function clientOf(t: Test, url: string, changed: { secret?: string; timeoutMs?: number } = {}) {
  const client = createControlClient({ url, secret: SECRET, ...changed })
  t.teardown(() => client.close())
  return client
}

async function serve(t: Test, listener: RequestListener, { closed = false } = {}): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  if (closed) await close()
  else t.teardown(close)
  return url
}

async function failure(work: Promise<unknown>): Promise<AppError> {
  const err = await work.then(
    () => undefined,
    (reason: unknown) => reason
  )
  if (err instanceof AppError) return err
  throw new Error('an AppError was expected', { cause: err })
}
