import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { createContentHash } from '../../../seeder/ingest/content-hash.ts'
import { someBytes } from '../rig.ts'

const hash = (algorithm: string, bytes: Buffer) => createHash(algorithm).update(bytes).digest()

function piecesOf(bytes: Buffer, pieceLength: number): Buffer {
  const digests: Buffer[] = []
  for (let at = 0; at < bytes.byteLength; at += pieceLength) {
    digests.push(hash('sha1', bytes.subarray(at, at + pieceLength)))
  }
  return Buffer.concat(digests)
}

t.test('the sums do not depend on how the bytes are portioned', async () => {
  const bytes = someBytes(1000)
  const cuts = fc.array(fc.integer({ min: 0, max: 1000 }), { maxLength: 12 })
  fc.assert(
    fc.property(cuts, fc.integer({ min: 1, max: 1200 }), (ends, pieceLength) => {
      const sums = createContentHash({ pieceLength, piecesUpTo: 1000, sha512: true })
      let start = 0
      for (const end of [...ends.toSorted((a, b) => a - b), 1000]) {
        sums.update(bytes.subarray(start, end))
        start = end
      }
      const { pieces, sha256, sha512, crc32: crc, size } = sums.finish()
      return (
        size === 1000 &&
        crc === crc32(bytes) &&
        hash('sha256', bytes).equals(sha256) &&
        sha512 !== null &&
        hash('sha512', bytes).equals(sha512) &&
        pieces !== null &&
        piecesOf(bytes, pieceLength).equals(pieces)
      )
    })
  )
})

t.test('a file without bytes has no pieces', async (t) => {
  const sums = createContentHash({ pieceLength: 16, piecesUpTo: 0, sha512: false }).finish()
  t.match(sums, { size: 0, crc32: 0, sha512: null })
  t.equal(sums.pieces?.byteLength, 0)
})

t.test('piece hashes are given up beyond their bound, the others are not', async (t) => {
  const bytes = someBytes(101)
  const sums = createContentHash({ pieceLength: 16, piecesUpTo: 100, sha512: false })
  sums.update(bytes)
  const { pieces, sha256 } = sums.finish()
  t.equal(pieces, null)
  t.ok(hash('sha256', bytes).equals(sha256))
})
