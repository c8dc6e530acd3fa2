import { createHash } from 'node:crypto'
import t from 'tap'
import { checkDigests, expectedDigests } from '../../../seeder/ingest/expected-digest.ts'

const sum = (algorithm: string, text: string) => createHash(algorithm).update(text).digest()
const member = (algorithm: string, text: string) =>
  `${algorithm}=:${sum(algorithm.replace('-', ''), text).toString('base64')}:`
const sums = {
  size: 1,
  pieces: null,
  crc32: 0,
  sha256: sum('sha256', 'a'),
  sha512: sum('sha512', 'a')
}

t.test('what both headers name is checked', async (t) => {
  const good = expectedDigests([member('sha-256', 'a'), member('sha-512', 'a')])
  t.same(
    good.map(({ algorithm }) => algorithm),
    ['sha-256', 'sha-512']
  )
  t.doesNotThrow(() => checkDigests(good, sums))
  for (const algorithm of ['sha-256', 'sha-512']) {
    const bad = expectedDigests([member('sha-256', 'a'), member(algorithm, 'b')])
    t.throws(() => checkDigests(bad, sums), { code: 'DIGEST_MISMATCH', message: /another/ })
  }
})

t.test('no header and unknown algorithms ask for nothing', async (t) => {
  t.same(expectedDigests([undefined, undefined]), [])
  t.same(expectedDigests(['md5=:AAAA:', undefined]), [])
})

t.test('a malformed or shortened digest is refused', async (t) => {
  for (const header of ['sha-256', 'sha-256=abc', 'sha-256=:AAAA:', 'sha-512=:AAAA:']) {
    t.throws(() => expectedDigests([header]), { code: 'REQUEST_INVALID' }, header)
  }
})
