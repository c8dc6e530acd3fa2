import fc from 'fast-check'
import t from 'tap'
import { decodeBase32, encodeBase32 } from '../../core/base32.ts'
import { holds } from './property.ts'

t.test('the vectors of RFC 4648 §10, in lower case and without padding', async (t) => {
  const vectors: readonly (readonly [string, string])[] = [
    ['', ''],
    ['f', 'my'],
    ['fo', 'mzxq'],
    ['foo', 'mzxw6'],
    ['foob', 'mzxw6yq'],
    ['fooba', 'mzxw6ytb'],
    ['foobar', 'mzxw6ytboi']
  ]
  for (const [plain, text] of vectors) {
    t.equal(encodeBase32(Buffer.from(plain)), text)
    t.same(decodeBase32(text), Buffer.from(plain))
    t.same(decodeBase32(text.toUpperCase()), Buffer.from(plain), 'upper case')
  }
})

t.test('what no bytes spell is nothing', async (t) => {
  for (const text of ['a', 'mz=', 'mzxw6===', 'm1', 'm8', 'mé', 'm y', 'mz', 'mzxw6a']) {
    t.equal(decodeBase32(text), undefined, text)
  }
})

t.test('any bytes come back, and each text is of one value', async (t) => {
  holds(
    t,
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const text = encodeBase32(bytes)
      return /^[a-z2-7]*$/.test(text) && Buffer.from(bytes).equals(decodeBase32(text) as Buffer)
    })
  )
  holds(
    t,
    fc.property(
      fc.string({ unit: fc.constantFrom('a', 'b', 'z', '2', '7'), maxLength: 34 }),
      (text) => {
        const bytes = decodeBase32(text)
        return bytes === undefined || encodeBase32(bytes) === text
      }
    )
  )
})
