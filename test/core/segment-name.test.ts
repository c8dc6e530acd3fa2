import fc from 'fast-check'
import t from 'tap'
import {
  decodeSegment,
  encodeSegment,
  hasEscape,
  segmentBytes,
  segmentName
} from '../../core/segment-name.ts'
import { holds } from './property.ts'

const bytes = (...values: number[]) => Buffer.from(values)

t.test('UTF-8 names are their text', async (t) => {
  for (const name of ['movie.mp4', 'Été – 象.mkv', '\u{1f600}', 'e\u0301', '%41', '\ufffd']) {
    t.equal(segmentName(Buffer.from(name)), name)
    t.same(segmentBytes(name), Buffer.from(name))
  }
})

t.test('a byte that is not UTF-8 becomes the private character that stands for it', async (t) => {
  t.equal(segmentName(bytes(0x61, 0xff, 0x62)), 'a\u{10feff}b')
  t.equal(segmentName(bytes(0xc3)), '\u{10fec3}', 'a sequence cut short')
  t.equal(segmentName(bytes(0xc0, 0xaf)), '\u{10fec0}\u{10feaf}', 'an overlong slash')
  t.equal(segmentName(bytes(0xed, 0xa0, 0x80)), '\u{10feed}\u{10fea0}\u{10fe80}', 'a surrogate')
  t.equal(segmentName(bytes(0xc3, 0xa9, 0xe9)), 'é\u{10fee9}', 'the valid part stays readable')
})

t.test('a name that holds such a character does not collide with the byte', async (t) => {
  const impostor = Buffer.from('\u{10feff}')
  t.equal(segmentName(impostor), '\u{10fef4}\u{10fe8f}\u{10febb}\u{10febf}')
  t.same(segmentBytes(segmentName(impostor)), impostor)
  t.ok(hasEscape(segmentName(impostor)))
  t.notOk(hasEscape('\u{10fe7f}\u{10ff00}'), 'its neighbours are ordinary')
})

t.test('in a URL a segment is its bytes', async (t) => {
  t.equal(
    encodeSegment("a b?#[]@!$&'()*+,;=%:é~-._"),
    'a%20b%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2B%2C%3B%3D%25%3A%C3%A9~-._'
  )
  t.equal(encodeSegment('a/b'), 'a%2Fb')
  t.equal(encodeSegment(segmentName(bytes(0x61, 0xff))), 'a%FF')
})

t.test('percent-decoding takes either case and raw bytes, and refuses the malformed', async (t) => {
  t.same(decodeSegment('a%20%c3%A9+'), Buffer.from('a é+'))
  t.same(decodeSegment('caf\xc3\xa9'), Buffer.from('café'), 'bytes sent raw, as Node reads them')
  t.same(decodeSegment('%00%2f'), bytes(0, 0x2f))
  t.same(decodeSegment('%2541'), Buffer.from('%41'), 'decoded once')
  for (const encoded of ['%', '%4', 'a%zz', '%%41', '%u0041', '\u0178', 'é\u20ac']) {
    t.equal(decodeSegment(encoded), undefined, encoded)
  }
})

const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 30 }),
  fc.string({ unit: 'grapheme', maxLength: 10 }).map((text) => Buffer.from(text)),
  fc
    .array(fc.constantFrom(0x61, 0x80, 0xbb, 0xbf, 0xc3, 0xe9, 0xf4, 0x8f, 0xff), { maxLength: 12 })
    .map((values) => Buffer.from(values))
)

t.test('bytes come back from their text and from their URL, whatever they are', async (t) => {
  holds(
    t,
    fc.property(anyBytes, (input) => {
      const name = segmentName(input)
      const again = decodeSegment(encodeSegment(name))
      return (
        name.isWellFormed() &&
        segmentBytes(name).equals(input) &&
        again?.equals(input) === true &&
        /^[A-Za-z0-9._~%-]*$/.test(encodeSegment(name))
      )
    }),
    3000
  )
})

t.test('joining by slashes keeps the bytes of every segment apart', async (t) => {
  const segment = fc.uint8Array({ maxLength: 8 }).filter((a) => !a.includes(0x2f))
  holds(
    t,
    fc.property(fc.array(segment, { minLength: 1, maxLength: 4 }), (segments) => {
      const joined = segments.map(segmentName).join('/')
      const parts = joined.split('/').map(segmentBytes)
      return parts.length === segments.length && parts.every((p, i) => p.equals(segments[i] ?? p))
    })
  )
})
