import fc from 'fast-check'
import t from 'tap'
import {
  geometryOf,
  pieceAt,
  pieceLengthFor,
  pieceSize,
  pieceSpan,
  piecesOf
} from '../../core/geometry.ts'
import { holds } from './property.ts'

const KiB = 2 ** 10
const MiB = 2 ** 20
const GiB = 2 ** 30

t.test('the published piece length is fixed for ever, by size', async (t) => {
  const table: readonly (readonly [size: number, pieceLength: number])[] = [
    [0, 256 * KiB],
    [1, 256 * KiB],
    [64 * MiB, 256 * KiB],
    [64 * MiB + 1, 512 * KiB],
    [GiB, 512 * KiB],
    [GiB + 1, MiB],
    [8 * GiB, MiB],
    [8 * GiB + 1, 2 * MiB],
    [32 * GiB, 2 * MiB],
    [32 * GiB + 1, 4 * MiB],
    [128 * GiB, 4 * MiB],
    [128 * GiB + 1, 16 * MiB],
    [Number.MAX_SAFE_INTEGER, 16 * MiB]
  ]
  for (const [size, pieceLength] of table) t.equal(pieceLengthFor(size), pieceLength, `${size}`)
})

t.test('pieces of a size that divides, does not, or is nothing', async (t) => {
  t.same(geometryOf(0, 16), { size: 0, pieceLength: 16, pieceCount: 0 })
  t.equal(geometryOf(16, 16).pieceCount, 1)
  t.equal(geometryOf(17, 16).pieceCount, 2)
  const geometry = geometryOf(40, 16)
  t.same(
    [0, 1, 2].map((index) => pieceSpan(geometry, index)),
    [
      { start: 0, end: 16 },
      { start: 16, end: 32 },
      { start: 32, end: 40 }
    ]
  )
  t.same(
    [0, 1, 2].map((index) => pieceSize(geometry, index)),
    [16, 16, 8]
  )
})

t.test('a span is covered by the pieces it touches, an empty one by none', async (t) => {
  const geometry = geometryOf(40, 16)
  t.same(piecesOf(geometry, { start: 0, end: 1 }), { first: 0, end: 1 })
  t.same(piecesOf(geometry, { start: 15, end: 16 }), { first: 0, end: 1 })
  t.same(piecesOf(geometry, { start: 15, end: 17 }), { first: 0, end: 2 })
  t.same(piecesOf(geometry, { start: 16, end: 32 }), { first: 1, end: 2 })
  t.same(piecesOf(geometry, { start: 0, end: 40 }), { first: 0, end: 3 })
  t.same(piecesOf(geometry, { start: 20, end: 20 }), { first: 0, end: 0 })
})

const arbitraryGeometry = fc
  .tuple(
    fc.oneof(fc.maxSafeNat(), fc.nat(10_000), fc.constant(Number.MAX_SAFE_INTEGER)),
    fc.oneof(
      fc.integer({ min: 1, max: 2 ** 29 }),
      fc.nat(15).map((n) => 2 ** (14 + n))
    )
  )
  .map(([size, pieceLength]) => geometryOf(size, pieceLength))

t.test('counting and finding pieces is exact up to 2^53 - 1 bytes', async (t) => {
  holds(
    t,
    fc.property(arbitraryGeometry, fc.maxSafeNat(), (geometry, seed) => {
      const size = BigInt(geometry.size)
      const length = BigInt(geometry.pieceLength)
      if (BigInt(geometry.pieceCount) !== (size + length - 1n) / length) return false
      if (geometry.size === 0) return true
      const offset = seed % geometry.size
      const nearEdge = Math.max(0, offset - (offset % geometry.pieceLength) - 1)
      return [offset, nearEdge, geometry.size - 1].every(
        (at) => BigInt(pieceAt(geometry, at)) === BigInt(at) / length
      )
    }),
    2000
  )
})

t.test('pieces cover the content without gap or overlap', async (t) => {
  holds(
    t,
    fc.property(fc.nat(5000), fc.integer({ min: 1, max: 300 }), (size, pieceLength) => {
      const geometry = geometryOf(size, pieceLength)
      let end = 0
      for (let index = 0; index < geometry.pieceCount; index++) {
        const span = pieceSpan(geometry, index)
        if (span.start !== end || span.end <= span.start) return false
        if (pieceSize(geometry, index) !== span.end - span.start) return false
        end = span.end
      }
      return end === size
    })
  )
})

t.test('the pieces of a span hold it, and none of them is needless', async (t) => {
  holds(
    t,
    fc.property(arbitraryGeometry, fc.maxSafeNat(), fc.maxSafeNat(), (geometry, a, b) => {
      if (geometry.size === 0) return true
      const start = a % geometry.size
      const end = start + 1 + (b % (geometry.size - start))
      const pieces = piecesOf(geometry, { start, end })
      const first = pieceSpan(geometry, pieces.first)
      const last = pieceSpan(geometry, pieces.end - 1)
      return first.start <= start && start < first.end && last.start < end && end <= last.end
    }),
    1000
  )
})
