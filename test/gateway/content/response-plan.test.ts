import t from 'tap'
import { parseInfoHash } from '../../../core/info-hash.ts'
import { planResponse } from '../../../gateway/content/response-plan.ts'
import type { Entry } from '../../../lib/control/control.ts'

const infoHash = parseInfoHash('ab'.repeat(20))!
const ETAG = `"${infoHash}.0"`
const file = { index: 0, path: 'Größe 1.mp4', size: 1000, sha256: '00'.repeat(32), crc32: 1 }
const entry: Entry = {
  infoHash,
  name: file.path,
  size: 1000,
  single: true,
  files: [file],
  replicas: 2,
  revision: 7,
  state: 'published',
  createdAt: Date.UTC(2026, 10, 1)
}

function plan(headers: Record<string, string> = {}, method: 'GET' | 'HEAD' = 'GET', of = file) {
  return planResponse(entry, of, { method, headers, download: false, filename: undefined })
}

t.test('a whole file is answered with everything a cache needs', async (t) => {
  const { status, headers, span } = plan()
  t.equal(status, 200)
  t.same(span, { start: 0, end: 1000 })
  t.match(headers, {
    etag: ETAG,
    'content-length': '1000',
    'accept-ranges': 'bytes',
    'cache-control': 'public, max-age=29030400, immutable',
    'last-modified': 'Sun, 01 Nov 2026 00:00:00 GMT',
    'content-type': 'video/mp4',
    'x-content-type-options': 'nosniff',
    'access-control-allow-origin': '*',
    link: `</${infoHash}.torrent>; rel="describedby"; type="application/x-bittorrent"`
  })
  t.match(headers['repr-digest'], /^sha-256=:A{43}=:$/)
  t.match(headers['content-disposition'], /^inline;.*filename\*=UTF-8''Gr%C3%B6%C3%9Fe%201\.mp4/)
})

t.test('a range becomes a span, and what cannot be one is whole or refused', async (t) => {
  const table: [string, Record<string, string>, number, string | undefined, string | undefined][] =
    [
      ['first byte', { range: 'bytes=0-0' }, 206, 'bytes 0-0/1000', '1'],
      ['open end', { range: 'bytes=990-' }, 206, 'bytes 990-999/1000', '10'],
      ['suffix', { range: 'bytes=-5' }, 206, 'bytes 995-999/1000', '5'],
      ['beyond the end', { range: 'bytes=1000-' }, 416, 'bytes */1000', undefined],
      ['another unit', { range: 'lines=0-1' }, 200, undefined, '1000'],
      ['several ranges', { range: 'bytes=0-0,5-6' }, 200, undefined, '1000'],
      ['If-Range, other tag', { range: 'bytes=0-0', 'if-range': '"x"' }, 200, undefined, '1000'],
      ['If-Range, our tag', { range: 'bytes=0-0', 'if-range': ETAG }, 206, 'bytes 0-0/1000', '1']
    ]
  for (const [name, headers, status, contentRange, length] of table) {
    const planned = plan(headers)
    t.equal(planned.status, status, name)
    t.equal(planned.headers['content-range'], contentRange, `${name}: Content-Range`)
    t.equal(planned.headers['content-length'], length, `${name}: Content-Length`)
  }
})

t.test('HEAD is the answer to GET without its body, and a range does not count', async (t) => {
  const { status, headers, span } = plan({ range: 'bytes=0-0' }, 'HEAD')
  t.equal(status, 200)
  t.equal(headers['content-length'], '1000')
  t.equal(span, undefined)
})

t.test('304 has the validators and no body', async (t) => {
  const { status, headers, span } = plan({ 'if-none-match': ETAG, range: 'bytes=0-0' })
  t.equal(status, 304)
  t.equal(headers.etag, ETAG)
  t.equal(headers['content-length'], undefined)
  t.equal(span, undefined)
})

t.test('refusals are not cached', async (t) => {
  t.equal(plan({ 'if-match': '"x"' }).status, 412)
  t.equal(plan({ 'if-match': '"x"' }).headers['cache-control'], 'no-store')
  t.equal(plan({ range: 'bytes=5000-' }).headers['cache-control'], 'no-store')
})

t.test('an empty file is a 200 of no bytes, and no range of it can be satisfied', async (t) => {
  const empty = { ...file, size: 0 }
  t.match(plan({}, 'GET', empty), { status: 200, span: { start: 0, end: 0 } })
  t.equal(plan({ range: 'bytes=0-' }, 'GET', empty).status, 416)
})

t.test('active content cannot act on the origin of the gateway', async (t) => {
  for (const path of ['x.html', 'x.svg', 'x.xml', 'x.xhtml', 'x.pdf', 'x.js']) {
    const { headers } = plan({}, 'GET', { ...file, path })
    t.match(headers['content-security-policy'], /^sandbox/, path)
  }
  t.equal(plan().headers['content-security-policy'], undefined, 'a video is left alone')
})

t.test('a download has the name it was asked under', async (t) => {
  const request = { method: 'GET', headers: {}, download: true, filename: 'a"b\r\n.mp4' } as const
  const { headers } = planResponse(entry, file, request)
  t.match(headers['content-disposition'], /^attachment/)
  t.notMatch(headers['content-disposition'], /[\r\n]/)
})
