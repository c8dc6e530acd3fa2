import fc from 'fast-check'
import t from 'tap'
import { parseInfoHash } from '../../../core/info-hash.ts'
import { fileRepresentation } from '../../../gateway/content/file-representation.ts'
import type { BodyPart, Representation } from '../../../gateway/content/representation.ts'
import { planResponse } from '../../../gateway/content/response-plan.ts'
import type { Entry, EntryFile } from '../../../lib/control/control.ts'
import { holds } from '../../core/property.ts'

const infoHash = parseInfoHash('ab'.repeat(20))!
const ETAG = `"${infoHash}.0"`
const file = { index: 0, path: 'Größe 1.mp4', size: 1000, sha256: '00'.repeat(32), crc32: 1 }
const MODIFIED = Date.UTC(2026, 10, 1)
const entry: Entry = {
  infoHash,
  name: file.path,
  size: 1000,
  single: true,
  files: [file],
  replicas: 2,
  revision: 7,
  state: 'published',
  createdAt: MODIFIED
}
const SAME = new Date(MODIFIED).toUTCString()
const EARLIER = new Date(MODIFIED - 60_000).toUTCString()
const LATER = new Date(MODIFIED + 60_000).toUTCString()

function representation(
  of: EntryFile = file,
  view: { download?: boolean; filename?: string } = {}
) {
  return fileRepresentation(entry, of, {
    download: view.download ?? false,
    filename: view.filename
  })
}

type Headers = Readonly<Record<string, string>>

function plan(headers: Headers = {}, method: 'GET' | 'HEAD' = 'GET', of: EntryFile = file) {
  return planResponse(representation(of), { method, headers })
}

t.test('a whole file is answered with everything a cache needs', async (t) => {
  const { status, headers, spans, length } = plan()
  t.equal(status, 200)
  t.equal(length, 1000)
  t.same(spans, [{ start: 0, end: 1000 }])
  t.match(headers, {
    etag: ETAG,
    'content-length': '1000',
    'accept-ranges': 'bytes',
    'cache-control': 'public, max-age=29030400, immutable',
    'last-modified': 'Sun, 01 Nov 2026 00:00:00 GMT',
    'content-type': 'video/mp4',
    'x-content-type-options': 'nosniff',
    'access-control-allow-origin': '*'
  })
  t.match(headers.link, `</${infoHash}.torrent>; rel="describedby"`)
  t.match(headers['repr-digest'], /^sha-256=:A{43}=:$/)
  t.match(headers['content-disposition'], /^inline;.*filename\*=UTF-8''Gr%C3%B6%C3%9Fe%201\.mp4/)
})

type Row = readonly [
  name: string,
  headers: Headers,
  status: number,
  ...rangeAndLength: (string | undefined)[]
]

function table(name: string, rows: readonly Row[]): void {
  t.test(name, async (t) => {
    for (const [row, headers, status, range, length] of rows) {
      const planned = plan(headers)
      t.equal(planned.status, status, row)
      t.equal(planned.headers['content-range'], range, `${row}: Content-Range`)
      if (length !== undefined) {
        t.equal(planned.headers['content-length'], length, `${row}: Content-Length`)
      }
    }
  })
}

table('one range is one span (RFC 9110 §14.2)', [
  ['first byte', { range: 'bytes=0-0' }, 206, 'bytes 0-0/1000', '1'],
  ['the probe of Safari', { range: 'bytes=0-1' }, 206, 'bytes 0-1/1000', '2'],
  ['all of it', { range: 'bytes=0-' }, 206, 'bytes 0-999/1000', '1000'],
  ['all of it and more', { range: 'bytes=0-99999' }, 206, 'bytes 0-999/1000', '1000'],
  ['the last byte', { range: 'bytes=999-' }, 206, 'bytes 999-999/1000', '1'],
  ['open end', { range: 'bytes=990-' }, 206, 'bytes 990-999/1000', '10'],
  ['suffix', { range: 'bytes=-5' }, 206, 'bytes 995-999/1000', '5'],
  ['suffix longer than the file', { range: 'bytes=-5000' }, 206, 'bytes 0-999/1000', '1000'],
  ['unit in another case', { range: 'BYTES=1-2' }, 206, 'bytes 1-2/1000', '2'],
  ['two of which one is there', { range: 'bytes=1-2,5000-' }, 206, 'bytes 1-2/1000', '2'],
  ['beyond the end', { range: 'bytes=1000-' }, 416, 'bytes */1000', '0'],
  ['a suffix of nothing', { range: 'bytes=-0' }, 416, 'bytes */1000', '0'],
  ['another unit', { range: 'lines=0-1' }, 200, undefined, '1000'],
  ['backwards', { range: 'bytes=2-1' }, 200, undefined, '1000'],
  ['no numbers', { range: 'bytes=beep-boop' }, 200, undefined, '1000'],
  ['no range', { range: 'bytes=' }, 200, undefined, '1000'],
  ['more than the file in all', { range: 'bytes=0-,0-' }, 200, undefined, '1000']
])

table('If-Range decides whether a range counts (RFC 9110 §13.1.5)', [
  ['our tag', { range: 'bytes=0-0', 'if-range': ETAG }, 206, 'bytes 0-0/1000', '1'],
  ['our tag, weak', { range: 'bytes=0-0', 'if-range': `W/${ETAG}` }, 200, undefined, '1000'],
  ['other tag', { range: 'bytes=0-0', 'if-range': '"x"' }, 200, undefined, '1000'],
  ['the date', { range: 'bytes=0-0', 'if-range': SAME }, 206, 'bytes 0-0/1000', '1'],
  ['an earlier date', { range: 'bytes=0-0', 'if-range': EARLIER }, 200, undefined, '1000'],
  ['a later date', { range: 'bytes=0-0', 'if-range': LATER }, 200, undefined, '1000'],
  ['no date', { range: 'bytes=0-0', 'if-range': '5' }, 200, undefined, '1000'],
  ['unreachable and outdated', { range: 'bytes=5000-', 'if-range': '"x"' }, 200, undefined, '1000']
])

table('conditions come before ranges (RFC 9110 §13.2.2)', [
  ['If-None-Match', { 'if-none-match': ETAG, range: 'bytes=0-0' }, 304],
  ['If-None-Match, weak in a list', { 'if-none-match': `"a", W/${ETAG}` }, 304],
  ['If-None-Match *', { 'if-none-match': '*' }, 304],
  [
    'If-None-Match and a range that is unreachable',
    { 'if-none-match': ETAG, range: 'bytes=9999-' },
    304
  ],
  ['If-Modified-Since', { 'if-modified-since': SAME }, 304],
  [
    'If-Modified-Since beside another tag',
    { 'if-modified-since': SAME, 'if-none-match': '"x"' },
    200
  ],
  ['If-Match', { 'if-match': '"x"' }, 412],
  ['If-Match, weak', { 'if-match': `W/${ETAG}` }, 412],
  ['If-Match wins over If-None-Match', { 'if-match': '"x"', 'if-none-match': ETAG }, 412],
  ['If-Unmodified-Since', { 'if-unmodified-since': EARLIER }, 412],
  ['all that hold', { 'if-match': ETAG, range: 'bytes=1-1' }, 206, 'bytes 1-1/1000', '1']
])

t.test('several ranges are one multipart body of exactly the announced length', async (t) => {
  const { status, headers, body, length } = plan({ range: 'bytes=5-6, 0-0,-1' })
  t.equal(status, 206)
  t.equal(headers['content-range'], undefined)
  const boundary = /^multipart\/byteranges; boundary=(\w{20,70})$/.exec(
    headers['content-type'] ?? ''
  )?.[1]
  t.type(boundary, 'string')
  const text = render(body)
  t.equal(headers['content-length'], String(text.length))
  t.equal(length, text.length)
  const part = (range: string, bytes: string) =>
    `\r\n--${boundary}\r\ncontent-type: video/mp4\r\ncontent-range: bytes ${range}/1000\r\n\r\n${bytes}`
  t.equal(
    text,
    `${part('5-6', '[5')}${part('0-0', '[')}${part('999-999', '[')}\r\n--${boundary}--\r\n`
  )
})

t.test('whatever the ranges, the announced length is that of the body', async (t) => {
  const spec = fc
    .tuple(fc.nat(1100), fc.option(fc.nat(1100)))
    .map(([first, last]) => `${first}-${last ?? ''}`)
  holds(
    t,
    fc.property(fc.array(spec, { minLength: 1, maxLength: 6 }), (specs) => {
      const planned = plan({ range: `bytes=${specs.join()}` })
      if (planned.status === 416) return planned.body === undefined
      return planned.headers['content-length'] === String(render(planned.body).length)
    }),
    1000
  )
})

t.test('HEAD is the answer to GET without its body, and a range does not count', async (t) => {
  for (const headers of [{}, { 'if-none-match': ETAG }, { 'if-match': '"x"' }]) {
    const { body, ...head } = plan(headers, 'HEAD')
    const { body: _, ...get } = plan(headers, 'GET')
    t.same(head, get, JSON.stringify(headers))
    t.equal(body, undefined)
  }
  t.match(plan({ range: 'bytes=0-0' }, 'HEAD'), {
    status: 200,
    headers: { 'content-length': '1000' }
  })
  t.match(plan({ range: 'bytes=9999-' }, 'HEAD'), { status: 200 })
})

t.test('304 has the validators and no body', async (t) => {
  const { status, headers, body } = plan({ 'if-none-match': ETAG, range: 'bytes=0-0' })
  t.equal(status, 304)
  t.match(headers, { etag: ETAG, 'cache-control': /immutable/, 'last-modified': SAME })
  t.equal(headers['content-length'], undefined)
  t.equal(headers['content-type'], undefined)
  t.equal(body, undefined)
})

t.test('refusals are not cached and describe no content', async (t) => {
  for (const headers of [{ 'if-match': '"x"' }, { range: 'bytes=5000-' }] as Headers[]) {
    const refused = plan(headers).headers
    t.equal(refused['cache-control'], 'no-store')
    t.equal(refused.etag, undefined)
    t.equal(refused['content-disposition'], undefined)
  }
})

t.test('an empty file is a 200 of no bytes, and no range of it can be satisfied', async (t) => {
  const empty = { ...file, size: 0 }
  const whole = plan({}, 'GET', empty)
  t.match(whole, { status: 200, length: 0, headers: { 'content-length': '0' } })
  t.equal(render(whole.body), '')
  t.equal(plan({ range: 'bytes=0-' }, 'GET', empty).status, 416)
  t.equal(plan({ range: 'bytes=-5' }, 'GET', empty).status, 200)
})

t.test('a file of more than 5 GiB is counted exactly', async (t) => {
  const size = 6 * 2 ** 30
  const huge = { ...file, size }
  t.equal(plan({}, 'GET', huge).headers['content-length'], String(size))
  const last = plan({ range: `bytes=${size - 1}-` }, 'GET', huge)
  t.equal(last.headers['content-range'], `bytes ${size - 1}-${size - 1}/${size}`)
  t.same(last.spans, [{ start: size - 1, end: size }])
})

t.test('what has no length beforehand has no ranges', async (t) => {
  const streamed: Representation = { ...representation(), size: undefined }
  const { status, headers, length } = planResponse(streamed, {
    method: 'GET',
    headers: { range: 'bytes=0-0' }
  })
  t.equal(status, 200)
  t.equal(length, undefined)
  t.equal(headers['content-length'], undefined)
  t.equal(headers['accept-ranges'], 'none')
})

t.test('active content cannot act on the origin of the gateway', async (t) => {
  for (const path of ['x.html', 'x.svg', 'x.xml', 'x.xhtml', 'x.pdf', 'x.js']) {
    const { headers } = plan({}, 'GET', { ...file, path })
    t.match(headers['content-security-policy'], /^sandbox/, path)
  }
  t.equal(plan().headers['content-security-policy'], undefined, 'a video is left alone')
})

t.test('a download has the name it was asked under', async (t) => {
  const { headers } = representation(file, { download: true, filename: 'a"b\r\n.mp4' })
  t.match(headers['content-disposition'], /^attachment/)
  t.notMatch(headers['content-disposition'], /[\r\n]/)
})

/** The body as text: our own bytes as they are, a span of the file as dashes between brackets. */
function render(body: Iterable<BodyPart> | undefined): string {
  let text = ''
  for (const part of body ?? []) {
    if (part.kind === 'bytes') text += Buffer.from(part.bytes).toString('latin1')
    else
      text += `[${part.span.start}-${part.span.end}]`
        .padEnd(1000, '.')
        .slice(0, part.span.end - part.span.start)
  }
  return text
}
