/**
 * Requests that no honest client sends, and connections that go on after every kind of answer.
 *
 * A connection counts as sound when the request after the odd one gets its own bytes: a body that
 * was too long or too short by one would shift everything that follows.
 */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import t, { type Test } from 'tap'
import { siteLabel } from '../../../gateway/origin/site-label.ts'
import { store } from '../../lib/node/node-rig.ts'
import { dial, get, openGateway } from './content-rig.ts'
import { namedTorrent } from './named-torrent.ts'

const TEXT = 'The quick brown fox jumps over the lazy dog. '.repeat(40)

async function open(t: Test) {
  const gateway = await openGateway(t)
  const contents = { 'a.txt': TEXT, 'empty.txt': '', 'index.html': 'index', 'd/b.txt': 'b' }
  const sample = namedTorrent('f', contents)
  await store(gateway.library, sample)
  const { infoHash } = gateway.fleet.publish(sample)
  return { gateway, infoHash, base: `/${infoHash}/f` }
}

interface Read {
  readonly status: number
  readonly head: string
  readonly body: Buffer
}

/** Reads responses off one connection by their framing alone, as a keep-alive client does. */
function responses(socket: Socket) {
  let pending = Buffer.alloc(0)
  let ended = false
  let wake = () => {}
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk])
    wake()
  })
  socket.on('close', () => {
    ended = true
    wake()
  })

  async function take(count: () => number): Promise<Buffer | undefined> {
    for (;;) {
      const needed = count()
      if (needed >= 0 && pending.length >= needed) {
        const taken = pending.subarray(0, needed)
        pending = pending.subarray(needed)
        return taken
      }
      if (ended) return undefined
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }

  /** Undefined when the connection ended instead. */
  async function next(method = 'GET'): Promise<Read | undefined> {
    const bytes = await take(() => {
      const end = pending.indexOf('\r\n\r\n')
      return end < 0 ? -1 : end + 4
    })
    if (bytes === undefined) return undefined
    const head = bytes.toString('latin1')
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1])
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0)
    const hasBody = method !== 'HEAD' && status !== 304 && status !== 204
    const body = await take(() => (hasBody ? length : 0))
    return body && { status, head, body }
  }

  return { next, left: () => pending.length }
}

const request = (path: string, headers = '', method = 'GET') =>
  `${method} ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`

t.test('after every kind of answer the next request on the connection gets its own', async (t) => {
  const { gateway, base, infoHash } = await open(t)
  const label = siteLabel(infoHash)
  const file = `${base}/a.txt`
  const probe = request(file, 'Range: bytes=4-8\r\n')
  const odd: readonly (readonly [string, number, string?])[] = [
    [request(file, 'Range: bytes=99999-\r\n'), 416],
    [request(file, 'If-Match: "x"\r\n'), 412],
    [request(file, `If-None-Match: *\r\n`), 304],
    [request(file, 'Cache-Control: only-if-cached\r\n'), 200],
    [request(`/${'e'.repeat(40)}/x`, 'Cache-Control: only-if-cached\r\n'), 412],
    [request(`${base}/nothing`), 404],
    [request(`/${'e'.repeat(40)}/x`), 404],
    [request(file, '', 'DELETE'), 405],
    [request(file, 'Content-Length: 4\r\n', 'POST').concat('body'), 405],
    [request('/nonsense'), 400],
    [request(`${base}/%E0%A4%A`), 400],
    [request(`${base}/%00`), 400],
    [request(file, 'Range: bytes=0-3,10-19,-5\r\n'), 206],
    [request(file, '', 'HEAD'), 200, 'HEAD'],
    [request(file, 'Range: bytes=0-3\r\n', 'HEAD'), 200, 'HEAD'],
    [request(file, 'If-None-Match: *\r\n', 'HEAD'), 304, 'HEAD'],
    [request(`${base}/nothing`, '', 'HEAD'), 404, 'HEAD'],
    [request(file, '', 'OPTIONS'), 204],
    [request(`${base}/empty.txt`), 200],
    [request(`${base}/empty.txt`, 'Range: bytes=0-\r\n'), 416],
    [request(base), 301],
    [request(`${base}/`), 200],
    [request(`${base}/d/`, 'Accept: text/html\r\n'), 200],
    [request(`${base}?format=tar`), 200],
    [request(`${base}?format=zip`, '', 'HEAD'), 200, 'HEAD'],
    [request(`/${infoHash}.torrent`), 200],
    [request(`/${infoHash}.sha256`, '', 'HEAD'), 409, 'HEAD'],
    [request(`/${infoHash}.sha256`), 409],
    [request(file, 'Content-Length: 9\r\n').concat('GET / HTT'), 200],
    [request(file, `Host: ${label}.localhost\r\n`), 400],
    [`GET /nothing HTTP/1.1\r\nHost: ${label}.localhost\r\n\r\n`, 404],
    [`PUT /a.txt HTTP/1.1\r\nHost: ${label}.localhost\r\nContent-Length: 0\r\n\r\n`, 405],
    [`GET http://x${file} HTTP/1.1\r\nHost: y\r\n\r\n`, 200],
    [request('//'), 400],
    [request(`//${infoHash}/f/a.txt`), 400],
    [request(`${base}/${'a'.repeat(8200)}`), 414],
    [request(file, `X: ${'y'.repeat(8 * 1024)}\r\n`), 200]
  ]
  const socket = dial(t, gateway.port)
  await once(socket, 'connect')
  const reader = responses(socket)
  for (const [text, status, method] of odd) {
    const line = text.slice(0, 90)
    socket.write(text + probe)
    const got = await reader.next(method)
    t.equal(got?.status, status, line)
    const after = await reader.next()
    t.match([after?.status, after?.body.toString()], [206, TEXT.slice(4, 9)], `after ${line}`)
  }
  socket.write(odd.map(([text]) => text).join('') + probe)
  const statuses: (number | undefined)[] = []
  for (const [, , method] of odd) statuses.push((await reader.next(method))?.status)
  t.same(
    statuses,
    odd.map(([, status]) => status),
    'and so they do all at once'
  )
  t.equal((await reader.next())?.body.toString(), TEXT.slice(4, 9))
  t.equal(reader.left(), 0)
})

t.test('one byte a thousand times on one connection', async (t) => {
  const { gateway, base } = await open(t)
  const socket = dial(t, gateway.port)
  const reader = responses(socket)
  const text = request(`${base}/a.txt`, 'Range: bytes=0-0\r\n')
  for (let round = 0; round < 10; round++) {
    socket.write(text.repeat(100))
    let right = 0
    for (let index = 0; index < 100; index++) {
      const got = await reader.next()
      if (got?.status === 206 && got.body.toString() === TEXT[0]) right++
    }
    t.equal(right, 100)
  }
  t.equal(reader.left(), 0)
  t.equal(gateway.counts.seats, 0)
  t.equal(gateway.files.bufferedBytes, 0)
})

t.test('targets of every odd form have a status, and hurt nobody else', async (t) => {
  const { gateway, base, infoHash } = await open(t)
  const long = 'a'.repeat(64 * 1024)
  const rows: readonly (readonly [string, number])[] = [
    ['/%E0%A4%A', 400],
    ['/%', 400],
    ['//', 400],
    ['///////', 400],
    ['/%2e%2e/%2e%2e/etc/passwd', 400],
    [`/${infoHash}/%2e%2e/x`, 400],
    [`/${infoHash}/../x`, 400],
    [`/${infoHash}/f/..%2f..%2fetc%2fpasswd`, 400],
    [`/${infoHash}/f/..%5c..%5cx`, 404],
    [`/${infoHash}%2Ff%2Fa.txt`, 400],
    [`/%${infoHash.charCodeAt(0).toString(16)}${infoHash.slice(1)}/f/a.txt`, 200],
    [`/${infoHash}/f/a.txt%00.jpg`, 400],
    [`/${infoHash}/f/%FF`, 404],
    [`/${infoHash}/f/\xff\xfe`, 400],
    [`/${infoHash}/%FF/a.txt`, 404],
    [`/${infoHash}/f/a.txt#x`, 404],
    [`/${infoHash}/f/a.txt;x=1`, 404],
    [`/${infoHash}/f/a.txt?${'x'.repeat(4000)}`, 200],
    [`/${infoHash}/f/a.txt?%ff%E0%A4%A&&&===`, 200],
    [`/${infoHash}/f/__proto__`, 404],
    [`/__proto__/constructor`, 400],
    [`http://x${base}/a.txt`, 200],
    [`HTTP://X:80${base}/a.txt`, 200],
    [`http://[/${infoHash}`, 400],
    [`ftp://x${base}/a.txt`, 400],
    ['*', 400],
    [`/${'%61'.repeat(2000)}`, 400],
    [`/${infoHash}/f/${'x/'.repeat(3000)}`, 404],
    [`/${infoHash}/f/${'%C4%80'.repeat(1300)}`, 404],
    [`/${long}`, 414],
    [`http://x/${long}`, 414],
    [`/${infoHash}/f/a.txt?${long}`, 414],
    [`${base}/a.txt HTTP/1.1\r\nX: ${long}\r\nY:`, 431]
  ]
  const other = responses(dial(t, gateway.port))
  const sound = dial(t, gateway.port)
  const beside = responses(sound)
  for (const [target, status] of rows) {
    const socket = dial(t, gateway.port)
    const reader = responses(socket)
    socket.write(Buffer.from(request(target), 'latin1'))
    const got = await reader.next()
    t.equal(got?.status, status, target.slice(0, 80))
    if (status >= 400) t.match(got?.head, /^cache-control: no-store/im, target.slice(0, 80))
    sound.write(request(`${base}/a.txt`, 'Range: bytes=0-2\r\n'))
    t.equal((await beside.next())?.body.toString(), 'The', 'others go on')
    socket.destroy()
  }
  t.equal(other.left(), 0)
  const after = await get(`${gateway.url}${base}/a.txt`)
  t.equal(after.body.toString(), TEXT)
})
