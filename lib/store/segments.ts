/**
 * Arithmetic over the segment files of a layout: which file a byte lies in, which files a piece
 * touches. `starts` is ascending and one longer than the number of segments; a segment may be
 * empty, and an empty segment holds no byte.
 */
import type { ByteSpan } from '../../core/geometry.ts'

/** The segment that holds the byte at `offset`: the last one that starts at or before it. */
export function segmentAt(starts: Float64Array, offset: number): number {
  let low = 0
  let high = starts.length - 2
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((starts[middle] ?? Infinity) <= offset) low = middle
    else high = middle - 1
  }
  return Math.max(0, low)
}

/** The bytes of a segment. */
export function segmentSpan(starts: Float64Array, segment: number): ByteSpan {
  const start = starts[segment] ?? 0
  return { start, end: starts[segment + 1] ?? start }
}

/** The segments that hold a byte of `span`, ascending; none for an empty span. */
export function* segmentsOf(starts: Float64Array, span: ByteSpan): Generator<number> {
  if (span.end <= span.start) return
  const last = segmentAt(starts, span.end - 1)
  for (let segment = segmentAt(starts, span.start); segment <= last; segment++) {
    const { start, end } = segmentSpan(starts, segment)
    if (end > start) yield segment
  }
}

/** Extents of a cache: aligned, whole pieces, at least 8 MiB; the last one may be short. */
export function extentLengthFor(pieceLength: number): number {
  return pieceLength * Math.ceil((8 * 2 ** 20) / pieceLength)
}

/** The starts of equal segments of `length` bytes that cover `size` bytes. */
export function equalStarts(size: number, length: number): Float64Array {
  const count = Math.ceil(size / length)
  return Float64Array.from({ length: count + 1 }, (_, k) => Math.min(size, k * length))
}
