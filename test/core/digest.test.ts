import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { formatDigestField, parseDigestField, wantsDigest } from '../../core/digest.ts'
import { holds } from './property.ts'

// RFC 9530, appendix B.1: {"hello": "world"} and a line feed.
const BODY = '{"hello": "world"}\n'
const SHA256 = 'RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg='

t.test('the example of RFC 9530', async (t) => {
  const digest = createHash('sha256').update(BODY).digest()
  t.same(parseDigestField(`sha-256=:${SHA256}:`), new Map([['sha-256', digest]]))
  t.equal(formatDigestField('sha-256', digest), `sha-256=:${SHA256}:`)
  t.equal(formatDigestField('sha-256', digest.toString('hex')), `sha-256=:${SHA256}:`)
})

t.test('several algorithms, known or not, with whitespace and parameters', async (t) => {
  const header = `sha-256=:${SHA256}: ,\tmd5=:AAAA:, unixsum=:AQ==:;a=1;b`
  const digests = parseDigestField(header)
  t.same([...(digests?.keys() ?? [])], ['sha-256', 'md5', 'unixsum'])
  t.same(Buffer.from(digests?.get('unixsum') ?? []), Buffer.from([1]))
  t.equal(parseDigestField(`constructor=:AAAA:`)?.size, 1)
})

t.test('of two digests of one algorithm the last counts', async (t) => {
  const digests = parseDigestField('md5=:AAAA:, md5=:AQ==:')
  t.same(Buffer.from(digests?.get('md5') ?? []), Buffer.from([1]))
})

t.test('an empty header holds no digests', async (t) => {
  t.equal(parseDigestField('')?.size, 0)
  t.equal(parseDigestField(' ')?.size, 0)
})

t.test('what is malformed, or of the wrong length, is undefined', async (t) => {
  const refused = [
    'sha-256',
    'sha-256=',
    `sha-256=${SHA256}`,
    `sha-256=:${SHA256}`,
    `SHA-256=:${SHA256}:`,
    `sha-256 =:${SHA256}:`,
    `sha-256=:${SHA256}:,`,
    `,sha-256=:${SHA256}:`,
    `sha-256=:${SHA256}: x`,
    `sha-256=:${SHA256.replace('/', '_')}:`,
    'sha-256=:AAAA:',
    'sha-256=::',
    `sha-512=:${SHA256}:`,
    'sha-256="abc"',
    'sha-256=7',
    '=:AAAA:'
  ]
  for (const header of refused) t.equal(parseDigestField(header), undefined, header)
})

t.test('what is written reads back', async (t) => {
  holds(
    t,
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (digest) => {
      const read = parseDigestField(formatDigestField('sha-256', digest))?.get('sha-256')
      return read !== undefined && Buffer.from(read).equals(digest)
    })
  )
})

t.test('a digest is wanted unless its preference is 0', async (t) => {
  for (const [header, wanted] of [
    [undefined, true],
    ['', true],
    ['sha-256=1', true],
    ['sha-256=10, sha-512=3', true],
    ['sha-512=10', true],
    ['sha-256=0', false],
    ['sha-512=3,\tsha-256=0 ;x=1', false],
    ['sha-256=0, sha-256=5', true],
    ['sha-256=00', true],
    ['sha-256=11', true],
    ['SHA-256=0', true],
    [`${'a=1,'.repeat(50)}sha-256=0`, true]
  ] as const) {
    t.equal(wantsDigest(header, 'sha-256'), wanted, header ?? 'no header')
  }
})
