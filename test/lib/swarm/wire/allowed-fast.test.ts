import t from 'tap'
import type { InfoHash } from '../../../../core/info-hash.ts'
import { allowedFastSet } from '../../../../lib/swarm/wire/allowed-fast.ts'

const infoHash = 'aa'.repeat(20) as InfoHash
const example = { infoHash, host: '80.4.4.200', pieceCount: 1313 }

t.test('the sets are those of the examples in BEP 6', async (t) => {
  const seven = [1059, 431, 808, 1217, 287, 376, 1188]
  t.strictSame(allowedFastSet({ ...example, count: 7 }), seven)
  t.strictSame(allowedFastSet({ ...example, count: 9 }), [...seven, 353, 508])
})

t.test('neighbours share a set: another address of the same network gains nothing', async (t) => {
  const set = allowedFastSet(example)
  t.equal(new Set(set).size, 10)
  t.strictSame(allowedFastSet({ ...example, host: '80.4.4.1' }), set)
  t.strictSame(allowedFastSet({ ...example, host: '::ffff:80.4.4.1' }), set)
  t.notSame(allowedFastSet({ ...example, host: '80.4.5.200' }), set)
  const six = allowedFastSet({ ...example, host: '2001:db8:0:1::1' })
  t.strictSame(allowedFastSet({ ...example, host: '2001:db8:0:1:ffff::2' }), six)
  t.notSame(allowedFastSet({ ...example, host: '2001:db8:0:2::1' }), six)
})

t.test('a small torrent is allowed whole, a peer without an address nothing', async (t) => {
  t.strictSame(allowedFastSet({ ...example, pieceCount: 3 }), [0, 1, 2])
  t.strictSame(allowedFastSet({ ...example, pieceCount: 0 }), [])
  t.strictSame(allowedFastSet({ ...example, host: 'peer.example' }), [])
  const eleven = allowedFastSet({ ...example, pieceCount: 11 })
  t.equal(new Set(eleven).size, 10)
  t.ok(eleven.every((index) => index < 11))
})
