/**
 * What comes next on a connection after each odd response: exactly the next response. A body too
 * many, a length that is wrong or a request that is lost would show there.
 */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import t from 'tap'
import { sampleTorrent } from '../../fakes/sample-torrent.ts'
import { store } from '../../lib/node/node-rig.ts'
import { dial, openGateway } from './content-rig.ts'

const SIZE = 70_000

interface Reply {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
}

/** Reads responses off a socket, one for each method sent, with the framing they announce. */
async function repliesOf(socket: Socket, methods: readonly string[]): Promise<Reply[]> {
  let buffered = Buffer.alloc(0)
  let ended = false
  socket.on('data', (chunk: Buffer) => {
    buffered = Buffer.concat([buffered, chunk])
  })
  socket.once('close', () => {
    ended = true
  })

  async function until(enough: () => boolean): Promise<void> {
    while (!enough()) {
      if (ended) throw new Error(`the connection ended after ${buffered.length} bytes of a reply`)
      await Promise.race([once(socket, 'data'), once(socket, 'close')])
    }
  }

  const replies: Reply[] = []
  for (const method of methods) {
    await until(() => buffered.includes('\r\n\r\n'))
    const end = buffered.indexOf('\r\n\r\n')
    const [statusLine = '', ...lines] = buffered.toString('latin1', 0, end).split('\r\n')
    const headers = new Map(lines.map((line) => splitHeader(line)))
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1])
    const bodiless = method === 'HEAD' || status === 304 || status === 204
    const length = bodiless ? 0 : Number(headers.get('content-length'))
    if (!Number.isSafeInteger(length)) throw new Error(`${statusLine} has no Content-Length`)
    await until(() => buffered.length >= end + 4 + length)
    replies.push({ status, headers, body: buffered.subarray(end + 4, end + 4 + length) })
    buffered = buffered.subarray(end + 4 + length)
  }
  if (buffered.length > 0) throw new Error(`${buffered.length} bytes nobody asked for`)
  return replies
}

function splitHeader(line: string): [string, string] {
  const [name = '', value = ''] = line.split(/: ?(.*)/s)
  return [name.toLowerCase(), value]
}

t.test('after each odd response comes the next one, whole', async (t) => {
  const { port, fleet, library } = await openGateway(t)
  const sample = sampleTorrent({ size: SIZE, pieceLength: 16384, name: 'a' })
  await store(library, sample)
  const { infoHash } = fleet.publish(sample)
  const gone = fleet.publish(sampleTorrent({ size: 5, pieceLength: 16384 }))
  fleet.unpublish(gone.infoHash)
  const empty = fleet.publish(sampleTorrent({ size: 0, pieceLength: 16384 }))
  const file = `/${infoHash}/a`
  const etag = `"${infoHash}.0"`
  const table: readonly (readonly [number, string, string, string?, string?])[] = [
    [200, 'HEAD', file],
    [200, 'HEAD', file, 'Range: bytes=0-9'],
    [206, 'GET', file, 'Range: bytes=5-9'],
    [206, 'GET', file, 'Range: bytes=0-1,60000-60001'],
    [416, 'GET', file, `Range: bytes=${SIZE}-`],
    [412, 'GET', file, 'If-Match: "other"'],
    [412, 'HEAD', file, 'If-Match: "other"'],
    [304, 'GET', file, `If-None-Match: ${etag}`],
    [304, 'HEAD', file, 'If-None-Match: *'],
    [200, 'GET', `/${empty.infoHash}/sample`],
    [200, 'GET', `/${infoHash}.torrent`],
    [200, 'HEAD', `/${infoHash}.meta4`],
    [409, 'GET', `/${infoHash}.sha256`],
    [409, 'HEAD', `/${infoHash}.sha256`],
    [200, 'GET', `/${infoHash}/`, 'Accept: application/json'],
    [200, 'HEAD', `/${infoHash}/`],
    [400, 'GET', '/nonsense/x'],
    [400, 'GET', `/${infoHash}/%E0%A4%A`],
    [400, 'GET', 'http://[/'],
    [404, 'GET', `/${infoHash}/%FF`],
    [404, 'GET', `/${infoHash}/nothing`],
    [404, 'HEAD', `/${infoHash}/nothing`],
    [410, 'GET', `/${gone.infoHash}/sample`],
    [414, 'GET', `${file}?${'x'.repeat(9000)}`],
    [204, 'OPTIONS', file],
    [405, 'PUT', file, 'Content-Length: 5', 'HELLO'],
    [405, 'DELETE', file],
    [200, 'GET', file, 'Content-Length: 5', 'HELLO'],
    [206, 'GET', file, 'Range: bytes=1-1\r\nContent-Length: 5', 'HELLO']
  ]
  const next = `GET ${file} HTTP/1.1\r\nHost: localhost\r\nRange: bytes=3-9\r\n\r\n`
  for (const [status, method, target, header, body = ''] of table) {
    const socket = dial(t, port)
    const extra = header === undefined ? '' : `${header}\r\n`
    socket.write(`${method} ${target} HTTP/1.1\r\nHost: localhost\r\n${extra}\r\n${body}${next}`)
    const name = `${status} ${method} ${target.slice(0, 60)} ${header ?? ''}`
    const replies = await repliesOf(socket, [method, 'GET']).catch((err) => {
      t.fail(name, { err: String(err) })
      return []
    })
    t.equal(replies[0]?.status, status, name)
    t.equal(replies[1]?.status, 206, 'and then the next')
    t.ok(replies[1]?.body.equals(sample.bytes.subarray(3, 10)), 'with its bytes')
    socket.destroy()
  }
})

t.test('after the refusal of a body of unknown length the connection ends', async (t) => {
  const { port, fleet } = await openGateway(t)
  const { infoHash } = fleet.publish(sampleTorrent({ size: 5, pieceLength: 16384 }))
  const socket = dial(t, port)
  const head = `POST /${infoHash}/sample HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`
  socket.end(`${head}5\r\nHELLO\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n`)
  const [reply] = await repliesOf(socket, ['POST'])
  t.equal(reply?.status, 405)
  t.equal(reply?.headers.get('connection'), 'close')
  if (!socket.closed) await once(socket, 'close')
})

t.test('a whole pipeline is answered in its order', async (t) => {
  const { port, fleet, library } = await openGateway(t)
  const sample = sampleTorrent({ size: SIZE, pieceLength: 16384, name: 'a' })
  await store(library, sample)
  const { infoHash } = fleet.publish(sample)
  const socket = dial(t, port)
  const starts = Array.from({ length: 100 }, (_, k) => (k * 7919) % SIZE)
  const requests = starts.map((start, k) => {
    const [method, range] =
      k % 3 === 2 ? ['HEAD', ''] : ['GET', `Range: bytes=${start}-${start}\r\n`]
    return { method, text: `${method} /${infoHash}/a HTTP/1.1\r\nHost: a\r\n${range}\r\n` }
  })
  socket.write(requests.map(({ text }) => text).join(''))
  const replies = await repliesOf(
    socket,
    requests.map(({ method }) => method)
  )
  const bytes = replies.map(({ body }) => body[0])
  t.same(
    bytes,
    starts.map((start, k) => (k % 3 === 2 ? undefined : sample.bytes[start]))
  )
})

t.test('one byte a thousand times on one connection', async (t) => {
  const { port, fleet, library, files, counts } = await openGateway(t)
  const sample = sampleTorrent({ size: 100, pieceLength: 16384, name: 'a' })
  await store(library, sample)
  const { infoHash } = fleet.publish(sample)
  const socket = dial(t, port)
  const request = `GET /${infoHash}/a HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0\r\n\r\n`
  let right = 0
  for (let round = 0; round < 1000; round++) {
    socket.write(request)
    const [reply] = await repliesOf(socket, ['GET'])
    socket.removeAllListeners('data').removeAllListeners('close')
    if (reply?.status === 206 && reply.body.equals(sample.bytes.subarray(0, 1))) right++
  }
  t.equal(right, 1000)
  t.equal(counts.seats, 0)
  t.equal(files.bufferedBytes, 0)
})
