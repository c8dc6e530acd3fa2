/** Clients that use a connection in unusual ways: each gets every byte, or sees that it did not. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { truncate } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { siteLabel } from '../../../gateway/origin/site-label.ts'
import { sampleTorrent } from '../../fakes/sample-torrent.ts'
import { answerOf, exchange, readUntil } from '../../lib/http/exchange.ts'
import { store } from '../../lib/node/node-rig.ts'
import { type ContentOptions, dial, openGateway } from './content-rig.ts'

const MIB = 2 ** 20
const CLOSE = 'Host: x\r\nConnection: close\r\n\r\n'

async function open(t: Test, size = 12 * MIB, options: ContentOptions = {}) {
  const gateway = await openGateway(t, options)
  const files = [10, size - 10]
  const sample = sampleTorrent({ size, pieceLength: MIB, name: 'f', files })
  await store(gateway.library, sample)
  const { infoHash } = gateway.fleet.publish(sample)
  const large = sample.bytes.subarray(10)
  return { gateway, sample, infoHash, base: `/${infoHash}/f`, large, port: gateway.port }
}

const digest = (bytes: Uint8Array | string) =>
  createHash('sha256')
    .update(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    .digest('hex')

t.test('HTTP/1.0 gets files and archives whole, ended by the connection', async (t) => {
  const { port, base, large, infoHash } = await open(t)
  const file = await exchange(port, `GET ${base}/file-0001 HTTP/1.0\r\n\r\n`)
  t.match([file.status, file.ending], [200, 'end'])
  t.equal(digest(file.body), digest(large))
  const modern = await exchange(port, `GET ${base}?format=zip HTTP/1.1\r\n${CLOSE}`)
  t.equal(modern.headers.get('transfer-encoding'), 'chunked', 'its length is unknown')
  const zip = await exchange(port, `GET ${base}?format=zip HTTP/1.0\r\n\r\n`)
  t.match([zip.status, zip.ending], [200, 'end'])
  t.equal(zip.headers.get('transfer-encoding'), undefined)
  t.ok(Buffer.from(zip.body, 'latin1').includes(large.subarray(-100)))
  t.equal(zip.body.slice(0, 4), 'PK\x03\x04', 'no frames of chunks in it')
  const part = `GET ${base}/file-0000 HTTP/1.0\r\nRange: bytes=2-3\r\n\r\n`
  t.match(await exchange(port, part), { status: 206, body: /^..$/s })
  const site = `GET /file-0000 HTTP/1.0\r\nHost: ${siteLabel(infoHash)}.localhost\r\n\r\n`
  t.equal((await exchange(port, site)).status, 200)
})

t.test('an archive of unknown length that fails is seen to, in HTTP/1.0 too', async (t) => {
  const options = { firstByteTimeoutMs: 500 }
  for (const version of ['1.0', '1.1']) {
    const { gateway, base, infoHash } = await open(t, 40 * MIB, options)
    const socket = dial(t, gateway.port)
    socket.write(`GET ${base}?format=zip HTTP/${version}\r\nHost: x\r\n\r\n`)
    await once(socket, 'readable')
    const session = await gateway.node.open(infoHash, new AbortController().signal)
    await truncate(`${session.store.shared.layout.folder}/1`, 38 * MIB)
    t.equal((await answerOf(socket)).ending, 'ECONNRESET', version)
  }
})

t.test('methods that nobody has are told which there are', async (t) => {
  const { port, base } = await open(t, 100)
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'MKCOL', 'SEARCH', 'TRACE']) {
    const got = await exchange(port, `${method} ${base}/file-0000 HTTP/1.1\r\n${CLOSE}`)
    t.equal(got.status, 405, method)
    t.equal(got.headers.get('allow'), 'GET, HEAD, OPTIONS', method)
  }
  const nonsense = await exchange(port, `BREW ${base}/file-0000 HTTP/1.1\r\n${CLOSE}`)
  t.ok([400, 405, 501].includes(nonsense.status))
})

t.test('a request with a body is answered and the body is nobody’s request', async (t) => {
  const { port, base, sample } = await open(t, 100)
  const first = sample.bytes.subarray(0, 10).toString('latin1')
  const rows: readonly (readonly [string, string, boolean])[] = [
    ['Content-Length: 5\r\n', 'GET /', true],
    ['Transfer-Encoding: chunked\r\n', '5\r\nGET /\r\n0\r\n\r\n', true],
    // Whether the body follows a final answer is not known, so nothing can come after it.
    ['Expect: 100-continue\r\nContent-Length: 5\r\n', 'GET /', false],
    ['Expect: nonsense\r\n', '', true],
    ['Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n', '', true]
  ]
  for (const [headers, body, isKept] of rows) {
    const text = `GET ${base}/file-0000 HTTP/1.1\r\nHost: x\r\n${headers}\r\n${body}`
    const last = `GET ${base}/file-0000 HTTP/1.1\r\nRange: bytes=1-3\r\n${CLOSE}`
    const { raw, ending } = await exchange(port, text + last)
    const statuses = [...raw.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status)
    t.same(statuses, isKept ? ['200', '206'] : ['200'], headers)
    t.ok(raw.endsWith(`\r\n\r\n${isKept ? first.slice(1, 4) : first}`), headers)
    t.ok(raw.includes(`\r\n\r\n${first}`), headers)
    t.equal(ending, 'end')
  }
})

t.test('an upgrade that is not taken leaves the connection as it was', async (t) => {
  const { port, base, sample } = await open(t, 100)
  const first = sample.bytes.subarray(0, 10).toString('latin1')
  const socket = dial(t, port)
  const upgrade = 'Upgrade: websocket\r\nConnection: upgrade\r\n'
  socket.write(`GET ${base}/file-0000 HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n`)
  t.match(await readUntil(socket, (raw) => raw.endsWith(first)), /^HTTP\/1\.1 200 OK/)
  socket.write(`GET ${base}/file-0000 HTTP/1.1\r\nRange: bytes=1-3\r\n${CLOSE}`)
  t.match(await answerOf(socket), { status: 206, body: first.slice(1, 4), ending: 'end' })
})

t.test('a hundred answers begun at once on one connection come in order', async (t) => {
  const { gateway, base, large } = await open(t, 4 * MIB)
  const socket = dial(t, gateway.port)
  const spans = Array.from({ length: 100 }, (_, k) => [k * 40_000, k * 40_000 + 39_999])
  const lines = spans.map(
    ([start, end], k) =>
      `GET ${base}/file-0001 HTTP/1.1\r\nHost: x\r\nRange: bytes=${start}-${end}\r\n` +
      `${k === 99 ? 'Connection: close\r\n' : ''}\r\n`
  )
  socket.write(lines.join(''))
  const all = await buffer(socket)
  let at = 0
  for (const [start = 0, end = 0] of spans) {
    at = all.indexOf('\r\n\r\n', at) + 4
    const size = end - start + 1
    if (!all.subarray(at, at + size).equals(large.subarray(start, end + 1))) t.fail(`at ${start}`)
    at += size
  }
  t.equal(at, all.length)
  t.equal(gateway.counts.seats, 0)
})
