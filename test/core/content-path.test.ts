import fc from 'fast-check'
import t from 'tap'
import { contentUrlPath, parseContentPath } from '../../core/content-path.ts'
import { infoHashOf } from '../../core/info-hash.ts'
import { segmentName } from '../../core/segment-name.ts'
import { holds } from './property.ts'

const infoHash = infoHashOf(Buffer.from('abc'))

t.test('infohash, name and path are taken apart and decoded', async (t) => {
  const rows: readonly (readonly [string, string[], boolean])[] = [
    ['', [], false],
    ['/', [], true],
    ['/movie.mp4', ['movie.mp4'], false],
    ['/folder/', ['folder'], true],
    ['/folder/a/b%20c', ['folder', 'a', 'b c'], false],
    ['/%C3%A9t%c3%a9', ['été'], false],
    ['/caf\xc3\xa9', ['café'], false],
    ['/a+b%2Bc', ['a+b+c'], false],
    ['/%25%32%46', ['%2F'], false],
    ['/a%FFb', ['a\u{10feff}b'], false],
    ['/...', ['...'], false],
    ['/a%3Fb%23c', ['a?b#c'], false],
    ['/C:%5Cx', ['C:\\x'], false]
  ]
  for (const [rest, segments, trailingSlash] of rows) {
    t.same(parseContentPath(`/${infoHash}${rest}`), { infoHash, segments, trailingSlash }, rest)
  }
})

t.test('the infohash may be written in upper case', async (t) => {
  t.match(parseContentPath(`/${infoHash.toUpperCase()}/x`), { infoHash, segments: ['x'] })
})

t.test('what does not start with an infohash is refused as that', async (t) => {
  for (const path of [
    '/',
    '//',
    '/favicon.ico',
    `/${infoHash}0/x`,
    `//${infoHash}`,
    '/%',
    '/%E0%A4%A'
  ]) {
    t.match(parseContentPath(path), { error: 'INFOHASH_INVALID', detail: String }, path)
  }
})

t.test('a path that could mean something else is refused', async (t) => {
  const rests = [
    '//',
    '/a//b',
    '//a',
    '/.',
    '/..',
    '/a/../b',
    '/%2e%2E/b',
    '/%2e',
    '/a%2Fb',
    '/%00'
  ]
  rests.push('/%', '/%4', '/%zz', '/a/%E0%A4%A', '/\u20ac')
  for (const rest of rests) {
    t.match(
      parseContentPath(`/${infoHash}${rest}`),
      { error: 'PATH_INVALID', detail: String },
      rest
    )
  }
  t.match(parseContentPath(infoHash), { error: 'PATH_INVALID' })
  t.match(parseContentPath(''), { error: 'INFOHASH_INVALID' })
})

t.test('a link percent-encodes what URLs reserve', async (t) => {
  t.equal(contentUrlPath(infoHash, 'a b.mp4'), `/${infoHash}/a%20b.mp4`)
  t.equal(contentUrlPath(infoHash, 'f#', 'a?/b%/é'), `/${infoHash}/f%23/a%3F/b%25/%C3%A9`)
  t.equal(contentUrlPath(infoHash, 'f', 'sub/'), `/${infoHash}/f/sub/`, 'a folder keeps its slash')
  t.equal(contentUrlPath(infoHash, 'f', ''), `/${infoHash}/f/`)
  t.equal(contentUrlPath(infoHash, 'a\u{10feff}b'), `/${infoHash}/a%FFb`)
})

const segment = fc
  .oneof(
    fc.uint8Array({ minLength: 1, maxLength: 12 }),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }).map((text) => Buffer.from(text))
  )
  .map((bytes) => Buffer.from(bytes))
  .filter((bytes) => !bytes.includes(0) && !bytes.includes(0x2f))
  .map(segmentName)
  .filter((name) => name !== '.' && name !== '..')

t.test('a link reads back to the torrent’s own names, also through a URL parser', async (t) => {
  holds(
    t,
    fc.property(segment, fc.array(segment, { maxLength: 4 }), (name, rest) => {
      const path = contentUrlPath(infoHash, name, rest.length === 0 ? undefined : rest.join('/'))
      const parsed = parseContentPath(new URL(path, 'http://gateway').pathname)
      return 'segments' in parsed && parsed.segments.join('/') === [name, ...rest].join('/')
    }),
    2000
  )
})

t.test('whatever is asked for, segments are safe names or there is a refusal', async (t) => {
  const piece = fc.constantFrom('/', '.', '..', '%2e', '%2F', '%00', '%', 'a', '\xff', 'é', '%C3')
  holds(
    t,
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const parsed = parseContentPath(`/${infoHash}/${pieces.join('')}`)
      if ('error' in parsed) return true
      return parsed.segments.every(
        (name) => name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name)
      )
    }),
    3000
  )
})
