/**
 * What other static file servers and content gateways are tested for, said in our own tables:
 * ranges, conditions, folders, cached-only requests and names, over real connections.
 */
import t, { type Test } from 'tap'
import { sampleTorrent } from '../../fakes/sample-torrent.ts'
import { store } from '../../lib/node/node-rig.ts'
import { get, openGateway } from './content-rig.ts'
import { namedTorrent, PIECE } from './named-torrent.ts'

type Headers = Readonly<Record<string, string>>
/** What is asked, with which headers, the status, and the bytes `[start, end)` that come. */
type RangeRow = readonly [Headers, number, ...(readonly [] | readonly [number, number])]

const NINE = '123456789'
/** Of publishing, and a second to either side. */
const THEN = 'Sun, 22 Nov 2026 01:02:03 GMT'
const BEFORE = 'Sun, 22 Nov 2026 01:02:02 GMT'
const AFTER = 'Sun, 22 Nov 2026 01:02:04 GMT'

async function openNine(t: Test) {
  const gateway = await openGateway(t)
  const sample = namedTorrent('folder', { 'nums.txt': NINE, 'empty.txt': '' })
  await store(gateway.library, sample)
  const { infoHash, files } = gateway.fleet.publish(sample)
  const index = files.find(({ path }) => path === 'nums.txt')?.index
  return { gateway, base: `${gateway.url}/${infoHash}/folder`, etag: `"${infoHash}.${index}"` }
}

const RANGES: readonly (readonly [string, number, number?, number?])[] = [
  ['bytes=0-4', 206, 0, 5],
  ['bytes=0-0', 206, 0, 1],
  ['bytes=0-1', 206, 0, 2],
  ['bytes=8-8', 206, 8, 9],
  ['bytes=2-5', 206, 2, 6],
  ['bytes=2-', 206, 2, 9],
  ['bytes=-1', 206, 8, 9],
  ['bytes=-3', 206, 6, 9],
  ['bytes=-9', 206, 0, 9],
  ['bytes=-50', 206, 0, 9],
  ['bytes=0-', 206, 0, 9],
  ['bytes=0-8', 206, 0, 9],
  ['bytes=0-9', 206, 0, 9],
  ['bytes=2-50', 206, 2, 9],
  ['bytes=2-99999999999999999999', 206, 2, 9],
  ['Bytes=2-3', 206, 2, 4],
  ['bytes= 2-3', 206, 2, 4],
  ['bytes=2-3,', 206, 2, 4],
  ['bytes=,2-3', 206, 2, 4],
  ['bytes=2-3,50-60', 206, 2, 4],
  ['bytes=9-', 416],
  ['bytes=9-50', 416],
  ['bytes=10-9999', 416],
  ['bytes=99999999999999999999-', 416],
  ['bytes=-0', 416],
  ['bytes=50-60,70-', 416],
  ['asdf', 200],
  ['bytes', 200],
  ['bytes=', 200],
  ['bytes=-', 200],
  ['bytes=,', 200],
  ['bytes=a-b', 200],
  ['bytes=0x1-3', 200],
  ['bytes=1.5-3', 200],
  ['bytes=--3', 200],
  ['bytes=1-2-3', 200],
  ['bytes=3-2', 200],
  ['bytes=50-40', 200],
  ['bytes=1-2;3-4', 200],
  ['bytes=+1-2', 200],
  ['bytes:1-2', 200],
  ['items=0-5', 200],
  ['bytes=0-8,0-8', 200],
  [`bytes=${Array(65).fill('0-0').join(',')}`, 200]
]

t.test('each form of Range is the bytes it means, or is ignored, or refused', async (t) => {
  const { base } = await openNine(t)
  for (const [range, status, start = 0, end = NINE.length] of RANGES) {
    const got = await get(`${base}/nums.txt`, { headers: { range } })
    t.equal(got.status, status, range)
    if (status === 416) {
      t.match(got.headers, { 'content-range': 'bytes */9', 'content-length': '0' }, range)
      t.equal(got.headers['content-type'], undefined, 'of nothing')
      continue
    }
    t.equal(got.body.toString(), NINE.slice(start, end), range)
    t.equal(got.headers['content-length'], String(end - start))
    const named = status === 206 ? `bytes ${start}-${end - 1}/9` : undefined
    t.equal(got.headers['content-range'], named, range)
    const head = await get(`${base}/nums.txt`, { method: 'HEAD', headers: { range } })
    t.match(head, { status: 200, headers: { 'content-length': '9' } }, 'HEAD has no ranges')
  }
})

t.test('several ranges come in the order asked for, also adjacent and overlapping', async (t) => {
  const { base } = await openNine(t)
  for (const [range, ...parts] of [
    ['bytes=0-0,1-1', [0, 1], [1, 2]],
    ['bytes=6-7, 0-2', [6, 8], [0, 3]],
    ['bytes=0-3,2-4', [0, 4], [2, 5]],
    ['bytes=-1,0-0', [8, 9], [0, 1]],
    ['bytes=1-1,50-60,-2', [1, 2], [7, 9]]
  ] as [string, ...[number, number][]][]) {
    const got = await get(`${base}/nums.txt`, { headers: { range } })
    t.equal(got.status, 206, range)
    const type = got.headers['content-type'] ?? ''
    const boundary = /^multipart\/byteranges; ?boundary=(\w+)$/.exec(type)?.[1]
    t.ok(boundary, type)
    t.equal(got.headers['content-range'], undefined, 'it is of the parts')
    const [, ...sections] = got.body.toString().split(`--${boundary}`)
    t.equal(sections.pop(), '--\r\n', 'the end is marked')
    const found = sections.map((section) => {
      const [head = '', body = ''] = section.split('\r\n\r\n')
      return [/content-range: (.*)/i.exec(head)?.[1], body.replace(/\r\n$/, '')]
    })
    t.same(
      found,
      parts.map(([start, end]) => [`bytes ${start}-${end - 1}/9`, NINE.slice(start, end)])
    )
  }
})

t.test('conditions decide, in their order, over ranges too', async (t) => {
  const { base, etag } = await openNine(t)
  const range = { range: 'bytes=0-2' }
  const rows: RangeRow[] = [
    [{ 'if-match': '*' }, 200, 0, 9],
    [{ 'if-match': etag }, 200, 0, 9],
    [{ 'if-match': `"foo", ${etag}, "bar"` }, 200, 0, 9],
    [{ 'if-match': `"foo",${etag}` }, 200, 0, 9],
    [{ 'if-match': '"foo"' }, 412],
    [{ 'if-match': '"foo", "bar"' }, 412],
    [{ 'if-match': `W/${etag}` }, 412],
    [{ 'if-match': '"foo"', 'if-none-match': etag }, 412],
    [{ 'if-match': '"foo"', ...range }, 412],
    [{ 'if-match': etag, ...range }, 206, 0, 3],
    [{ 'if-match': etag, 'if-unmodified-since': BEFORE }, 200, 0, 9],
    [{ 'if-unmodified-since': THEN }, 200, 0, 9],
    [{ 'if-unmodified-since': AFTER }, 200, 0, 9],
    [{ 'if-unmodified-since': BEFORE }, 412],
    [{ 'if-unmodified-since': 'foo' }, 200, 0, 9],
    [{ 'if-none-match': etag }, 304],
    [{ 'if-none-match': `W/${etag}` }, 304],
    [{ 'if-none-match': '*' }, 304],
    [{ 'if-none-match': `"fake", W/"other",${etag}` }, 304],
    [{ 'if-none-match': `"a,b", ${etag}` }, 304],
    [{ 'if-none-match': '"foo"' }, 200, 0, 9],
    [{ 'if-none-match': '"foo", "bar"' }, 200, 0, 9],
    [{ 'if-none-match': etag.slice(1, -1) }, 200, 0, 9],
    [{ 'if-none-match': '"123"', 'if-modified-since': THEN }, 200, 0, 9],
    [{ 'if-none-match': etag, 'if-modified-since': BEFORE }, 304],
    [{ 'if-none-match': etag, ...range }, 304],
    [{ 'if-none-match': etag, range: 'bytes=50-' }, 304],
    [{ 'if-none-match': '"foo"', ...range }, 206, 0, 3],
    [{ 'if-none-match': '"foo"', range: 'bytes=50-' }, 416],
    [{ 'if-modified-since': THEN }, 304],
    [{ 'if-modified-since': AFTER }, 304],
    [{ 'if-modified-since': BEFORE }, 200, 0, 9],
    [{ 'if-modified-since': 'Sunday, 22-Nov-26 01:02:03 GMT' }, 304],
    [{ 'if-modified-since': 'Sun Nov 22 01:02:03 2026' }, 304],
    [{ 'if-modified-since': 'foo' }, 200, 0, 9],
    [{ ...range, 'if-range': etag }, 206, 0, 3],
    [{ ...range, 'if-range': '"foo"' }, 200, 0, 9],
    [{ ...range, 'if-range': `W/${etag}` }, 200, 0, 9],
    [{ ...range, 'if-range': etag.slice(0, -1) }, 200, 0, 9],
    [{ ...range, 'if-range': THEN }, 206, 0, 3],
    [{ ...range, 'if-range': AFTER }, 200, 0, 9],
    [{ ...range, 'if-range': BEFORE }, 200, 0, 9],
    [{ ...range, 'if-range': 'foo' }, 200, 0, 9],
    [{ range: 'bytes=50-', 'if-range': '"foo"' }, 200, 0, 9],
    [{ range: 'bytes=50-', 'if-range': etag }, 416]
  ]
  for (const [headers, status, start = 0, end = 0] of rows) {
    const row = JSON.stringify(headers)
    const got = await get(`${base}/nums.txt`, { headers })
    t.equal(got.status, status, row)
    t.equal(got.body.toString(), NINE.slice(start, end), row)
    if (status === 304) {
      t.match(got.headers, { etag, 'last-modified': THEN, 'cache-control': /immutable/ }, row)
      t.equal(got.headers['content-range'], undefined, row)
    }
    if (status === 412) t.equal(got.headers['cache-control'], 'no-store', row)
    const head = await get(`${base}/nums.txt`, { method: 'HEAD', headers })
    t.equal(head.status, status === 206 || status === 416 ? 200 : status, `HEAD ${row}`)
    t.equal(head.body.length, 0)
  }
})

t.test('an empty file has no range, and is the same whole', async (t) => {
  const { base } = await openNine(t)
  for (const [range, status] of [
    [undefined, 200],
    ['bytes=0-', 416],
    ['bytes=0-0', 416],
    ['bytes=-1', 200],
    ['bytes=-0', 416],
    ['foo', 200]
  ] as const) {
    const headers = range === undefined ? {} : { range }
    const got = await get(`${base}/empty.txt`, { headers })
    t.match(got, { status, headers: { 'content-length': '0' } }, range ?? 'whole')
    t.equal(got.headers['content-range'], status === 416 ? 'bytes */0' : undefined)
  }
})

t.test('only-if-cached gets what is here and never asks for the rest', async (t) => {
  const gateway = await openGateway(t, { library: false })
  const sample = sampleTorrent({ size: 4 * PIECE, pieceLength: PIECE })
  const { infoHash } = gateway.fleet.publish(sample)
  const url = `${gateway.url}/${infoHash}/sample`
  const only = { 'cache-control': 'no-transform, Only-If-Cached' }
  for (const method of ['GET', 'HEAD']) {
    const got = await get(url, { method, headers: only })
    t.match(got, { status: 412, headers: { 'cache-control': 'no-store' } }, method)
  }
  t.equal(gateway.swarm.joined.length, 0, 'nobody was asked')

  const first = get(url, { headers: { range: 'bytes=0-9' } })
  while (gateway.swarm.joined.length === 0) await new Promise(setImmediate)
  await gateway.swarm.deliver(sample, 0, gateway.descriptors)
  t.equal((await first).status, 206)
  const rows: RangeRow[] = [
    [{ range: 'bytes=0-99' }, 206, 0, 100],
    [{ range: `bytes=0-${PIECE - 1}` }, 206, 0, PIECE],
    [{ range: `bytes=0-${PIECE}` }, 412],
    [{ range: 'bytes=-1' }, 412],
    [{ range: `bytes=0-0,${2 * PIECE}-${2 * PIECE}` }, 412],
    [{ range: 'bytes=9999999-' }, 416],
    [{ 'if-none-match': `"${infoHash}.0"` }, 304],
    [{ 'if-match': '"x"' }, 412],
    [{}, 412]
  ]
  for (const [headers, status, start = 0, end = 0] of rows) {
    const row = JSON.stringify(headers)
    const got = await get(url, { headers: { ...only, ...headers } })
    t.equal(got.status, status, row)
    if (status === 206) t.ok(got.body.equals(sample.bytes.subarray(start, end)), row)
  }
  const unknown = await get(`${gateway.url}/${'e'.repeat(40)}/x`, { headers: only })
  t.equal(unknown.status, 412, 'nor is the tracker asked what is not known')
  const listed = await get(`${gateway.url}/${infoHash}/`, { headers: only })
  t.equal(listed.status, 200, 'a listing draws on nothing')
})
