import fc from 'fast-check'
import t from 'tap'
import {
  equalStarts,
  extentLengthFor,
  segmentAt,
  segmentSpan,
  segmentsOf
} from '../../../lib/store/segments.ts'

const MiB = 2 ** 20

t.test('an extent holds whole pieces and at least 8 MiB', (t) => {
  for (const [piece, extent] of [
    [16 * 1024, 8 * MiB],
    [256 * 1024, 8 * MiB],
    [3 * MiB, 9 * MiB],
    [8 * MiB, 8 * MiB],
    [16 * MiB, 16 * MiB]
  ] as const) {
    t.equal(extentLengthFor(piece), extent)
  }
  t.end()
})

t.test('equal segments cover a size exactly', (t) => {
  t.same([...equalStarts(25, 10)], [0, 10, 20, 25])
  t.same([...equalStarts(20, 10)], [0, 10, 20])
  t.same([...equalStarts(0, 10)], [0])
  t.end()
})

t.test('empty files hold no byte, wherever they stand', (t) => {
  const starts = Float64Array.of(0, 0, 5, 5, 5, 9, 9)
  t.equal(segmentAt(starts, 0), 1)
  t.equal(segmentAt(starts, 4), 1)
  t.equal(segmentAt(starts, 5), 4)
  t.same([...segmentsOf(starts, { start: 0, end: 9 })], [1, 4])
  t.same([...segmentsOf(starts, { start: 3, end: 3 })], [])
  t.end()
})

t.test('the segments of a span are those that share a byte with it', (t) => {
  const sizes = fc.array(fc.nat(5), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(sizes, fc.nat(60), fc.nat(60), (lengths, a, b) => {
      const starts = Float64Array.from([0, ...lengths].map(sumUpTo))
      const size = starts.at(-1) ?? 0
      const span = { start: Math.min(a, b, size), end: Math.min(Math.max(a, b), size) }
      const expected = lengths.flatMap((_, k) => {
        const { start, end } = segmentSpan(starts, k)
        return Math.max(start, span.start) < Math.min(end, span.end) ? [k] : []
      })
      return JSON.stringify([...segmentsOf(starts, span)]) === JSON.stringify(expected)
    })
  )
  t.end()
})

function sumUpTo(_: number, at: number, all: number[]): number {
  return all.slice(0, at + 1).reduce((sum, length) => sum + length, 0)
}
