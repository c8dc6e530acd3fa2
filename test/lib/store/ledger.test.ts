import fc from 'fast-check'
import t from 'tap'
import { parseInfoHash } from '../../../core/info-hash.ts'
import {
  decodeLedger,
  decodeSoundLedger,
  encodeLedger,
  type LedgerContent,
  type LedgerIdentity
} from '../../../lib/store/ledger.ts'

const identity: LedgerIdentity = { infoHash: hashOf('ab'), pieceCount: 10, segmentCount: 3 }
const content: LedgerContent = {
  have: Uint8Array.of(0b1100_0001, 0b0100_0000),
  records: new Map([
    [0, { size: 5, mtimeNs: 1_700_000_000_123_456_789n, inode: 42n, usedAt: 0 }],
    [2, { size: 2 ** 40, mtimeNs: -1n, inode: 2n ** 63n, usedAt: 1_800_000_000_000 }]
  ])
}

function hashOf(twoDigits: string) {
  const infoHash = parseInfoHash(twoDigits.repeat(20))
  if (infoHash === undefined) throw new RangeError(twoDigits)
  return infoHash
}

t.test('the bytes of version 1 never change', (t) => {
  const small = encodeLedger(
    { infoHash: hashOf('01'), pieceCount: 3, segmentCount: 1 },
    {
      have: Uint8Array.of(0b1010_0000),
      records: new Map([[0, { size: 3, mtimeNs: 4n, inode: 5n, usedAt: 6 }]])
    }
  )
  t.equal(
    small.toString('hex'),
    [
      '5357474c45444752',
      '01000000',
      '03000000',
      '01000000',
      '01000000',
      '01'.repeat(20),
      'a0',
      '0000000000000000',
      '0300000000000000',
      '0400000000000000',
      '0500000000000000',
      '0600000000000000',
      'cc578bac'
    ].join('')
  )
  t.end()
})

t.test('what was written is read back', (t) => {
  t.same(decodeLedger(encodeLedger(identity, content), identity), content)
  const empty = { have: new Uint8Array(2), records: new Map() }
  t.same(decodeLedger(encodeLedger(identity, empty), identity), empty)
  t.end()
})

t.test('a ledger of another torrent or other counts is none', (t) => {
  const bytes = encodeLedger(identity, content)
  for (const other of [
    { ...identity, infoHash: hashOf('ac') },
    { ...identity, pieceCount: 11 },
    { ...identity, segmentCount: 4 }
  ]) {
    t.equal(decodeLedger(bytes, other), undefined)
  }
  t.same(decodeSoundLedger(bytes), content, 'it is sound all the same')
  t.end()
})

t.test('a ledger torn anywhere is none', (t) => {
  const bytes = encodeLedger(identity, content)
  for (let length = 0; length < bytes.byteLength; length++) {
    if (decodeLedger(bytes.subarray(0, length), identity) !== undefined) t.fail(`at ${length}`)
  }
  t.equal(decodeLedger(Buffer.concat([bytes, Buffer.alloc(1)]), identity), undefined)
  t.end()
})

t.test('a ledger with any byte changed is none', (t) => {
  const bytes = encodeLedger(identity, content)
  for (let at = 0; at < bytes.byteLength; at++) {
    const damaged = Buffer.from(bytes)
    damaged[at] = (damaged[at] ?? 0) ^ 0x10
    if (decodeLedger(damaged, identity) !== undefined) t.fail(`byte ${at}`)
  }
  t.end()
})

t.test('arbitrary bytes are none and never an exception', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const start = Buffer.from('SWGLEDGR\x01\0\0\0', 'latin1')
      return (
        decodeLedger(Buffer.from(bytes), identity) === undefined &&
        decodeLedger(Buffer.concat([start, bytes]), identity) === undefined
      )
    })
  )
  t.end()
})

t.test('a ledger that claims pieces beyond the end is none', (t) => {
  const have = Uint8Array.of(0, 0b0000_0001)
  const bytes = encodeLedger(identity, { have, records: new Map() })
  t.equal(decodeLedger(bytes, identity), undefined)
  t.end()
})
