import { createHash } from 'node:crypto'
import t from 'tap'
import { decodeBencode, dictSpan } from '../../../core/bencode.ts'
import { parseMagnet } from '../../../core/magnet.ts'
import { type SampleTorrent, sampleTorrent } from '../../fakes/sample-torrent.ts'
import { store } from '../../lib/node/node-rig.ts'
import { get, openGateway, TRACKERS } from './content-rig.ts'

const PIECE = 16384

function problem(body: Buffer): Record<string, unknown> {
  return JSON.parse(body.toString())
}

t.test('HEAD, 304, 412 and 416 answer without opening the torrent', async (t) => {
  const { url, fleet, counts, port } = await openGateway(t)
  fleet.hanging = true
  const sample = sampleTorrent({ size: 1000, pieceLength: PIECE, name: 'a file.bin' })
  const { infoHash } = fleet.publish(sample)
  const path = `${url}/${infoHash}/a%20file.bin`
  const etag = `"${infoHash}.0"`

  const head = await get(path, { method: 'HEAD', headers: { range: 'bytes=0-1' } })
  t.equal(head.status, 200, 'a range counts for GET only')
  t.match(head.headers, {
    etag,
    'content-length': '1000',
    'accept-ranges': 'bytes',
    'cache-control': 'public, max-age=29030400, immutable',
    'last-modified': 'Sun, 22 Nov 2026 01:02:03 GMT',
    'x-content-type-options': 'nosniff',
    'access-control-allow-origin': '*',
    link: `</${infoHash}.torrent>; rel="describedby"; type="application/x-bittorrent"`
  })
  const cases = [
    [{ 'if-none-match': etag }, 304],
    [{ 'if-none-match': `"x", W/${etag}` }, 304],
    [{ 'if-none-match': '*' }, 304],
    [{ 'if-modified-since': 'Sun, 22 Nov 2026 01:02:03 GMT' }, 304],
    [{ 'if-match': '"other"' }, 412],
    [{ 'if-match': `W/${etag}` }, 412],
    [{ 'if-unmodified-since': 'Sun, 22 Nov 2026 01:02:02 GMT' }, 412],
    [{ range: 'bytes=1000-' }, 416],
    [{ range: 'bytes=-0' }, 416]
  ] as const
  for (const [headers, status] of cases) {
    const got = await get(path, { headers })
    t.equal(got.status, status, JSON.stringify(headers))
    t.equal(got.body.length, 0)
    if (status === 416) t.equal(got.headers['content-range'], 'bytes */1000')
    if (status === 304) t.equal(got.headers.etag, etag)
    else t.equal(got.headers['cache-control'], 'no-store')
  }
  t.equal(counts.opens, 0)
  t.ok(port > 0)
})

t.test('bytes and ranges come out exactly, with exactly the length announced', async (t) => {
  const { url, fleet, library, counts, sent, files } = await openGateway(t)
  const sample = sampleTorrent({ size: 3 * PIECE + 7, pieceLength: PIECE })
  await store(library, sample)
  const { infoHash } = fleet.publish(sample)
  fleet.hanging = true
  const path = `${url}/${infoHash}/sample`
  const size = sample.bytes.length
  const cases = [
    [undefined, 200, 0, size],
    ['bytes=0-0', 206, 0, 1],
    ['bytes=16383-16384', 206, 16383, 16385],
    ['bytes=100-', 206, 100, size],
    ['bytes=-5', 206, size - 5, size],
    ['bytes=49000-999999', 206, 49_000, size],
    ['BYTES=1-2', 206, 1, 3],
    ['items=1-2', 200, 0, size],
    ['bytes=5-2', 200, 0, size],
    ['bytes=0-0,5-6x', 200, 0, size]
  ] as const
  let total = 0
  for (const [range, status, start, end] of cases) {
    const got = await get(path, { headers: range === undefined ? {} : { range } })
    t.equal(got.status, status, range ?? 'whole')
    t.ok(got.body.equals(sample.bytes.subarray(start, end)), 'the bytes')
    t.equal(got.headers['content-length'], String(end - start))
    const expected = status === 206 ? `bytes ${start}-${end - 1}/${size}` : undefined
    t.equal(got.headers['content-range'], expected)
    t.match(
      got.headers['server-timing'],
      /^lookup;dur=[\d.]+, wait;dur=[\d.]+, source;desc=library$/
    )
    total += end - start
  }
  t.same(sent, { library: total }, 'each byte is counted once')
  t.equal(counts.firstBytes, cases.length)
  t.equal(counts.seats, 0)
  t.equal(files.bufferedBytes, 0)
})

t.test('If-Range decides whether a range counts', async (t) => {
  const { url, fleet, library } = await openGateway(t)
  const sample = sampleTorrent({ size: 100, pieceLength: PIECE })
  await store(library, sample)
  const { infoHash } = fleet.publish(sample)
  const path = `${url}/${infoHash}/sample`
  const range = 'bytes=0-9'
  for (const [ifRange, status] of [
    [`"${infoHash}.0"`, 206],
    [`W/"${infoHash}.0"`, 200],
    ['"old"', 200],
    ['Sun, 22 Nov 2026 01:02:03 GMT', 206],
    ['Sat, 21 Nov 2026 01:02:03 GMT', 200]
  ] as const) {
    t.equal((await get(path, { headers: { range, 'if-range': ifRange } })).status, status, ifRange)
  }
})

t.test('what is wrong with a URL has its status and its code', async (t) => {
  const { url, fleet, library } = await openGateway(t)
  const sample = sampleTorrent({ size: 10, pieceLength: PIECE, files: [4, 6], name: 'folder' })
  await store(library, sample)
  const { infoHash } = fleet.publish(sample)
  const gone = fleet.publish(sampleTorrent({ size: 5, pieceLength: PIECE }))
  fleet.unpublish(gone.infoHash)
  const unknown = 'f'.repeat(40)
  const cases = [
    ['/nonsense/file', 400, 'INFOHASH_INVALID'],
    [`/${'z'.repeat(40)}`, 400, 'INFOHASH_INVALID'],
    ['/nonsense.torrent', 400, 'INFOHASH_INVALID'],
    [`/${infoHash}/folder/../x`, 400, 'PATH_INVALID'],
    [`/${infoHash}/folder/%2e%2e/x`, 400, 'PATH_INVALID'],
    [`/${unknown}/x`, 404, 'CONTENT_UNKNOWN'],
    [`/${unknown}.torrent`, 404, 'CONTENT_UNKNOWN'],
    [`/${unknown}.magnet`, 404, 'CONTENT_UNKNOWN'],
    [`/${infoHash}/folder/nothing`, 404, 'FILE_UNKNOWN'],
    [`/${infoHash}/wrong/file-0000`, 404, 'FILE_UNKNOWN'],
    [`/${infoHash}/folder/${'x'.repeat(3000)}`, 404, 'FILE_UNKNOWN'],
    [`/${gone.infoHash}/sample`, 410, 'CONTENT_GONE'],
    [`/${gone.infoHash}/`, 410, 'CONTENT_GONE'],
    [`/${gone.infoHash}.torrent`, 410, 'CONTENT_GONE']
  ] as const
  for (const [path, status, code] of cases) {
    const got = await get(url, { path })
    t.match({ status: got.status, ...problem(got.body) }, { status, code }, path.slice(0, 80))
    t.match(got.headers, { 'content-type': /problem\+json/, 'cache-control': 'no-store' })
  }
  t.equal((await get(`${url}/${infoHash.toUpperCase()}/folder/file-0001`)).status, 200)
  fleet.down = true
  const asked = await get(`${url}/${unknown}/x`)
  t.match(problem(asked.body), { status: 503, code: 'TRACKER_UNAVAILABLE' })
  t.equal(asked.headers['retry-after'], '5')
  t.equal((await get(`${url}/${infoHash}/folder/file-0000`)).status, 200, 'what is known is served')
})

t.test(
  'a .torrent has the info as hashed, our trackers in one tier and the web seed',
  async (t) => {
    const { url, fleet } = await openGateway(t)
    const single = sampleTorrent({ size: 10, pieceLength: PIECE, name: 'Größe 1%.bin' })
    const folder = sampleTorrent({ size: 10, pieceLength: PIECE, files: [4, 6], name: 'folder' })
    const empty = sampleTorrent({ size: 0, pieceLength: PIECE, name: 'empty' })
    for (const [sample, seed] of [
      [single, `/${single.metainfo.infoHash}/Gr%C3%B6%C3%9Fe%201%25.bin`],
      [folder, `/${folder.metainfo.infoHash}/`],
      [empty, `/${empty.metainfo.infoHash}/empty`]
    ] as [SampleTorrent, string][]) {
      const { infoHash } = fleet.publish(sample)
      const got = await get(`${url}/${infoHash}.torrent`)
      t.equal(got.status, 200)
      t.match(got.headers, {
        'content-type': 'application/x-bittorrent',
        'cache-control': 'max-age=60',
        'access-control-allow-origin': '*'
      })
      const { start = 0, end = 0 } = dictSpan(got.body, 'info') ?? {}
      const hash = createHash('sha1').update(got.body.subarray(start, end)).digest('hex')
      t.equal(hash, infoHash)
      const torrent = decodeBencode(got.body) as Map<string, unknown>
      const tiers = torrent.get('announce-list') as Buffer[][]
      t.same(
        tiers.map((tier) => tier.map((text) => Buffer.from(text).toString())),
        [TRACKERS]
      )
      const seeds = torrent.get('url-list')
      const text = Buffer.from((Array.isArray(seeds) ? seeds[0] : seeds) as Uint8Array).toString()
      t.equal(text, url + seed)
      const head = await get(`${url}/${infoHash}.torrent`, { method: 'HEAD' })
      t.equal(head.headers['content-length'], String(got.body.length))
      t.equal(head.body.length, 0)
    }
  }
)

t.test('a .torrent whose metainfo nobody sends ends at the deadline', async (t) => {
  const { url, fleet } = await openGateway(t, { firstByteTimeoutMs: 20 })
  const sample = sampleTorrent({ size: 10, pieceLength: PIECE })
  const { infoHash } = fleet.publish(sample)
  fleet.holder(infoHash)
  fleet.down = true
  const got = await get(`${url}/${infoHash}.torrent`)
  t.match(problem(got.body), { status: 504, code: 'SWARM_TIMEOUT', detail: /phase: metadata/ })
})

t.test('a magnet names infohash, name and trackers', async (t) => {
  const { url, fleet } = await openGateway(t)
  const sample = sampleTorrent({ size: 10, pieceLength: PIECE, name: 'a & b' })
  const { infoHash } = fleet.publish(sample)
  const got = await get(`${url}/${infoHash}.magnet`)
  t.match(got.headers, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'max-age=60'
  })
  t.match(parseMagnet(got.body.toString().trim()), { infoHash, name: 'a & b', trackers: TRACKERS })
})

t.test('what is in a torrent is told as a page and as JSON', async (t) => {
  const { url, fleet, counts } = await openGateway(t)
  const sample = sampleTorrent({ size: 10, pieceLength: PIECE, files: [4, 6], name: 'folder' })
  const { infoHash } = fleet.publish(sample)
  for (const path of [`/${infoHash}`, `/${infoHash}/`]) {
    const page = await get(url + path, { headers: { accept: 'text/html' } })
    t.match(page.headers, { 'content-type': /^text\/html/, 'cache-control': 'max-age=60' })
    const json = await get(url + path, { headers: { accept: 'application/json' } })
    t.match(JSON.parse(json.body.toString()), {
      infoHash,
      files: [{ path: 'file-0000', size: 4, url: `${url}/${infoHash}/folder/file-0000` }, {}]
    })
  }
  t.equal(counts.opens, 0)
})

t.test('a browser may ask before it fetches, and other methods are refused', async (t) => {
  const { url, fleet } = await openGateway(t)
  const { infoHash } = fleet.publish(sampleTorrent({ size: 10, pieceLength: PIECE }))
  const preflight = await get(`${url}/${infoHash}/sample`, {
    method: 'OPTIONS',
    headers: { origin: 'http://else.test', 'access-control-request-headers': 'range' }
  })
  t.equal(preflight.status, 204)
  t.match(preflight.headers, {
    'access-control-allow-origin': '*',
    'access-control-allow-methods': 'GET, HEAD, OPTIONS',
    'access-control-allow-headers': /Range/
  })
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
    const got = await get(`${url}/${infoHash}/sample`, { method })
    t.equal(got.status, 405, method)
    t.equal(got.headers.allow, 'GET, HEAD, OPTIONS')
    t.match(problem(got.body), { code: 'METHOD_NOT_ALLOWED' })
  }
})

t.test('a file may be asked for as an attachment and under another name', async (t) => {
  const { url, fleet, library } = await openGateway(t)
  const sample = sampleTorrent({ size: 10, pieceLength: PIECE, name: 'page.html' })
  await store(library, sample)
  const { infoHash } = fleet.publish(sample)
  const path = `${url}/${infoHash}/page.html`
  const table = [
    ['', 'inline; filename="?page.html"?'],
    ['?download=1', 'attachment; filename="?page.html"?'],
    ['?download=0', 'inline; filename="?page.html"?'],
    ['?download=1&filename=%E6%97%A5.txt', "attachment; .*filename\\*=UTF-8''%E6%97%A5.txt"],
    ['?filename=a%0d%0aX-Evil:%201', 'inline; filename="a\\?\\?X-Evil: 1"'],
    ['?filename=', 'inline; filename="?page.html"?']
  ] as const
  for (const [query, disposition] of table) {
    const got = await get(path + query)
    t.equal(got.status, 200, query)
    t.match(got.headers['content-disposition'], new RegExp(`^${disposition}`))
    t.equal(got.headers['x-evil'], undefined)
    t.match(got.headers['content-security-policy'], /^sandbox/, 'HTML never acts on our origin')
  }
})

t.test('an empty file is served by those who have no byte of it', async (t) => {
  const { url, fleet, counts } = await openGateway(t)
  const { infoHash } = fleet.publish(sampleTorrent({ size: 0, pieceLength: PIECE }))
  const got = await get(`${url}/${infoHash}/sample`)
  t.match(got, { status: 200, headers: { 'content-length': '0' } })
  t.equal((await get(`${url}/${infoHash}/sample`, { headers: { range: 'bytes=0-' } })).status, 416)
  t.equal(counts.opens, 0)
})
