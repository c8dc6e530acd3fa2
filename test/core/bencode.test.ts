import fc from 'fast-check'
import t from 'tap'
import {
  BencodeError,
  type BencodeInput,
  type BencodeValue,
  decodeBencode,
  dictSpan,
  encodeBencode
} from '../../core/bencode.ts'
import { holds } from './property.ts'

const bytes = (text: string) => Buffer.from(text, 'latin1')
const decode = (text: string) => decodeBencode(bytes(text))

t.test('values decode to numbers, bytes, lists and maps', async (t) => {
  t.equal(decode('i0e'), 0)
  t.equal(decode('i-42e'), -42)
  t.equal(decode('i9007199254740991e'), Number.MAX_SAFE_INTEGER)
  t.equal(decode('i-9007199254740991e'), Number.MIN_SAFE_INTEGER)
  t.same(decode('4:spam'), bytes('spam'))
  t.same(decode('0:'), bytes(''))
  t.same(decode('l4:spami7elee'), [bytes('spam'), 7, []])
  const dict = decode('d3:cow3:moo4:spamli1ei2eee')
  t.ok(dict instanceof Map)
  t.same(
    [...(dict as Map<string, BencodeValue>)],
    [
      ['cow', bytes('moo')],
      ['spam', [1, 2]]
    ]
  )
})

t.test('what is not canonical or not bencode is refused with its place', async (t) => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ['', /unexpected end at byte 0/],
    ['x', /no value starts at byte 0/],
    ['e', /no value starts at byte 0/],
    ['ie', /expected a digit at byte 1/],
    ['i-e', /expected a digit at byte 2/],
    ['i1', /end of an integer at byte 2/],
    ['i1.5e', /end of an integer at byte 2/],
    ['i+1e', /expected a digit/],
    ['i 1e', /expected a digit/],
    ['i-0e', /negative zero/],
    ['i03e', /leading zero/],
    ['i-03e', /leading zero/],
    ['i9007199254740992e', /too large/],
    ['i-9007199254740992e', /too large/],
    [`i${'9'.repeat(400)}e`, /too large/],
    ['5:spam', /longer than the input at byte 0/],
    ['99999999999999999999:', /too large/],
    ['04:spam', /leading zero/],
    ['4spam', /expected a string/],
    ['-1:a', /no value starts/],
    ['l', /unexpected end at byte 1/],
    ['li1e', /unexpected end/],
    ['d', /expected a digit/],
    ['d1:a', /unexpected end/],
    ['di1ei2ee', /expected a digit at byte 1/],
    ['d1:ae', /no value starts at byte 4/],
    ['d1:bi1e1:ai2ee', /out of order at byte 7/],
    ['d1:ai1e1:ai2ee', /duplicate key at byte 7/],
    ['i1ei2e', /bytes after the value at byte 3/],
    ['4:spam\n', /bytes after the value at byte 6/]
  ]
  for (const [input, message] of refused) {
    t.throws(() => decode(input), { name: 'BencodeError', message }, JSON.stringify(input))
  }
})

t.test('the error names the offset as a number too', async (t) => {
  try {
    decode('d1:ai1e1:ai2ee')
    t.fail('was accepted')
  } catch (err) {
    t.ok(err instanceof BencodeError)
    t.equal((err as BencodeError).at, 7)
  }
})

t.test('lenient decoding takes unsorted keys and leading zeros, never a key twice', async (t) => {
  const lenient = (text: string) => decodeBencode(bytes(text), { strict: false })
  t.same(
    [...(lenient('d1:bi01e1:ai-0ee') as Map<string, BencodeValue>)],
    [
      ['b', 1],
      ['a', 0]
    ]
  )
  t.throws(() => lenient('d1:ai1e1:bi1e1:ai2ee'), /duplicate key at byte 13/)
})

t.test(
  'depth and items are bounded, and a million open lists do not overflow the stack',
  async (t) => {
    const nested = (depth: number) => bytes('l'.repeat(depth) + 'e'.repeat(depth))
    t.doesNotThrow(() => decodeBencode(nested(32)))
    t.throws(() => decodeBencode(nested(33)), /nested too deep at byte 32/)
    t.throws(() => decodeBencode(nested(1_000_000)), /nested too deep/)
    const deep = decodeBencode(nested(100_000), { maxDepth: Number.POSITIVE_INFINITY })
    t.ok(Array.isArray(deep))
    t.throws(() => dictSpan(bytes(`d1:a${'l'.repeat(1_000_000)}`), 'a'), /nested too deep/)
    t.doesNotThrow(() => decodeBencode(bytes('li1ei2ee'), { maxItems: 3 }))
    t.throws(
      () => decodeBencode(bytes('li1ei2ei3ee'), { maxItems: 3 }),
      /more than 3 items at byte 7/
    )
  }
)

t.test('strings are views of the input', async (t) => {
  const input = bytes('l4:spame')
  const [string] = decodeBencode(input) as Uint8Array[]
  input[3] = 'S'.charCodeAt(0)
  t.same(string, bytes('Spam'))
})

t.test('input may be a view into a larger buffer', async (t) => {
  const view = new Uint8Array(bytes('xx4:spamxx')).subarray(2, 8)
  t.same(decodeBencode(view), bytes('spam'))
})

t.test('encoding is canonical', async (t) => {
  const encoded: readonly (readonly [BencodeInput, string])[] = [
    [0, 'i0e'],
    [-0, 'i0e'],
    [-5, 'i-5e'],
    [2n ** 70n, 'i1180591620717411303424e'],
    ['é', '2:\xc3\xa9'],
    [new Uint8Array([0, 255]), '2:\0\xff'],
    [[], 'le'],
    [['a', 1, ['b']], 'l1:ai1el1:bee'],
    [{ b: 1, a: 2, aa: 3 }, 'd1:ai2e2:aai3e1:bi1ee'],
    [{ a: undefined, b: 'x' }, 'd1:b1:xe'],
    [new Map([['\xff', 1]]), 'd1:\xffi1ee'],
    [{ '\u{1f600}': 1, '\uff5e': 2 }, 'd3:\xef\xbd\x9ei2e4:\xf0\x9f\x98\x80i1ee']
  ]
  for (const [value, text] of encoded) t.same(encodeBencode(value), bytes(text), text)
})

t.test('what has no encoding is refused', async (t) => {
  const cycle: BencodeInput[] = []
  cycle.push(cycle)
  const refused: readonly BencodeInput[] = [
    1.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    2 ** 53,
    'lone \ud800',
    new Map([['Ā', 1]]),
    cycle
  ]
  for (const value of refused) t.throws(() => encodeBencode(value), { name: 'BencodeError' })
})

t.test('the span of a key is its value exactly as it stands', async (t) => {
  const cut = (text: string, key: string) => {
    const span = dictSpan(bytes(text), key)
    return span && text.slice(span.start, span.end)
  }
  t.equal(cut('d4:infod1:ai1ee4:rest1:xe', 'info'), 'd1:ai1ee')
  t.equal(
    cut('d4:rest4:info4:infoi7ee', 'info'),
    'i7e',
    'a value that looks like the key is not it'
  )
  t.equal(cut('d1:zi1e4:infod1:bi01e1:ai2eee', 'info'), 'd1:bi01e1:ai2ee', 'odd order is kept')
  t.equal(cut('d3:fooi99999999999999999999999ee', 'info'), undefined)
  t.equal(cut('de', 'info'), undefined)
  t.throws(() => cut('d4:infoi1e4:infoi2ee', 'info'), /second info/)
  t.throws(() => cut('4:info', 'info'), /expected a dict/)
  t.throws(() => cut('d4:infodi1ei2eee', 'info'), /expected a digit/, 'form is checked inside')
  t.throws(() => cut('d4:infoi1eex', 'info'), /bytes after the value/)
  t.throws(() => cut('d4:infoi1e', 'info'), { name: 'BencodeError' })
})

const { value: arbitraryValue } = fc.letrec<{ value: BencodeValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, depthSize: 'small' },
    fc.maxSafeInteger(),
    fc.uint8Array({ maxLength: 40 }).map((a) => Buffer.from(a)),
    fc.array(tie('value'), { maxLength: 5 }),
    fc
      .uniqueArray(fc.tuple(fc.uint8Array({ maxLength: 8 }), tie('value')), {
        maxLength: 5,
        selector: ([key]) => Buffer.from(key).toString('latin1')
      })
      .map((members) => {
        const keyed = members.map(([key, value]) => [Buffer.from(key).toString('latin1'), value])
        return new Map((keyed as [string, BencodeValue][]).sort(([a], [b]) => (a < b ? -1 : 1)))
      })
  )
}))

t.test('what was encoded decodes to the same value, and encodes to the same bytes', async (t) => {
  holds(
    t,
    fc.property(arbitraryValue, (value) => {
      const encoded = encodeBencode(value)
      const decoded = decodeBencode(encoded)
      return fc.stringify(decoded) === fc.stringify(value) && encodeBencode(decoded).equals(encoded)
    })
  )
})

const soup = fc
  .array(fc.constantFrom('d', 'l', 'e', 'i', '1', '0', ':', '-', '2:ab', 'i1e', '1:a'), {
    maxLength: 60
  })
  .map((tokens) => bytes(tokens.join('')))

t.test('whatever the bytes, decoding ends with a value or a BencodeError', async (t) => {
  const survives = (input: Uint8Array) => {
    for (const attempt of [
      () => decodeBencode(input),
      () => decodeBencode(input, { strict: false }),
      () => dictSpan(input, 'a')
    ]) {
      try {
        attempt()
      } catch (err) {
        if (!(err instanceof BencodeError)) throw err
      }
    }
  }
  holds(t, fc.property(fc.uint8Array({ maxLength: 200 }), survives), 1000)
  holds(t, fc.property(soup, survives), 3000)
})

t.test('strict decoding takes nothing but the canonical encoding', async (t) => {
  holds(
    t,
    fc.property(soup, (input) => {
      let value: BencodeValue
      try {
        value = decodeBencode(input)
      } catch {
        return true
      }
      return encodeBencode(value).equals(input)
    }),
    3000
  )
})
