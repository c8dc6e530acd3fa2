import fc from 'fast-check'
import t from 'tap'
import { checkPublishedName } from '../../core/published-name.ts'
import { holds } from './property.ts'

t.test('ordinary names of any script pass', async (t) => {
  const names = [
    'movie.mp4',
    'a b',
    ' ',
    '...',
    '.hidden',
    'été – 象',
    'שלום',
    '\u{1f600}',
    '%41',
    'CON'
  ]
  names.push('a:b*c?"<>|', '\u00a0', '\u00ad', '\u200b', '\u200d', '\ufeff', '-rf', '~', "it's")
  for (const name of names)
    t.same(checkPublishedName(name), { ok: true, name }, JSON.stringify(name))
})

t.test('a name is normalised to NFC, and nothing else is changed', async (t) => {
  t.same(checkPublishedName('e\u0301te\u0301 '), { ok: true, name: '\u00e9t\u00e9 ' })
  t.same(checkPublishedName('\u1112\u1161\u11ab'), { ok: true, name: '\ud55c' })
  t.same(checkPublishedName('\u212b'), { ok: true, name: '\u00c5' })
  t.same(checkPublishedName('\ufb01'), { ok: true, name: '\ufb01' }, 'compatibility forms stay')
})

const refused: readonly (readonly [segment: string, reason: RegExp])[] = [
  ['', /empty/],
  ['.', /dot segment/],
  ['..', /dot segment/],
  ['a/b', /slash/],
  ['/', /slash/],
  ['a\\b', /slash/],
  ['\ud800', /not valid Unicode/],
  ['a\udc00b', /not valid Unicode/],
  ['\udc00\ud800', /not valid Unicode/],
  ['\u{10fe80}', /reserved/],
  ['a\u{10feff}', /reserved/]
]

t.test('what downloaders cannot bear is refused, with the segment as it was given', async (t) => {
  for (const [segment, reason] of refused) {
    t.match(checkPublishedName(segment), { ok: false, segment, reason }, JSON.stringify(segment))
  }
})

t.test('every control character is refused: C0, DEL and C1', async (t) => {
  const controls = [...Array(0x20).keys(), ...Array.from({ length: 0x21 }, (_, i) => 0x7f + i)]
  t.equal(controls.at(-1), 0x9f)
  for (const code of controls) {
    const segment = `a${String.fromCharCode(code)}b`
    t.match(
      checkPublishedName(segment),
      { ok: false, segment, reason: /control/ },
      `U+${code.toString(16)}`
    )
  }
})

t.test('every bidirectional formatting character is refused, and no other', async (t) => {
  const bidi = [0x061c, 0x200e, 0x200f]
  for (let code = 0x202a; code <= 0x202e; code++) bidi.push(code)
  for (let code = 0x2066; code <= 0x2069; code++) bidi.push(code)
  for (const code of bidi) {
    const reason = /bidirectional/
    t.match(
      checkPublishedName(`a${String.fromCharCode(code)}`),
      { ok: false, reason },
      `U+${code.toString(16)}`
    )
  }
  for (const code of [0x061b, 0x200d, 0x2010, 0x2029, 0x202f, 0x2065, 0x206a]) {
    t.match(
      checkPublishedName(`a${String.fromCharCode(code)}`),
      { ok: true },
      `U+${code.toString(16)}`
    )
  }
})

t.test('255 bytes of UTF-8 are the most, counted after normalising', async (t) => {
  t.match(checkPublishedName('x'.repeat(255)), { ok: true })
  t.match(checkPublishedName('x'.repeat(256)), { ok: false, reason: /256 bytes/ })
  t.match(checkPublishedName('é'.repeat(127)), { ok: true })
  t.match(checkPublishedName('é'.repeat(128)), { ok: false, reason: /256 bytes/ })
  t.match(checkPublishedName('e\u0301'.repeat(127)), { ok: true }, '381 bytes before, 254 after')
  const grows = '\u0958'.repeat(50)
  t.match(checkPublishedName(grows), { ok: false, reason: /300 bytes/ }, '150 bytes before')
})

t.test('checking twice changes nothing more', async (t) => {
  holds(
    t,
    fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (segment) => {
      const once = checkPublishedName(segment)
      if (!once.ok) return once.segment === segment && once.reason !== ''
      const twice = checkPublishedName(once.name)
      return twice.ok && twice.name === once.name
    }),
    2000
  )
})
