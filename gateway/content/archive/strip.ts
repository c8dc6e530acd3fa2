/**
 * Items laid end to end, of which any span can be had without walking those before it.
 *
 * An archive is a few strips one after another: its entries, its directory, its end. Where items
 * start is known beforehand; what they are made of is only made when it is sent.
 */
import type { ByteSpan } from '../../../core/geometry.ts'
import type { BodyPart } from '../representation.ts'

export interface Strip {
  /** Where each item starts, ascending, and where the last one ends: one more than items. */
  readonly starts: Float64Array
  /** The parts of one item, together as long as `starts` says. */
  parts(item: number): Iterable<BodyPart>
}

/** Bytes of a strip. */
function stripSize({ starts }: Strip): number {
  return starts.at(-1) ?? 0
}

/** The starts of `count` items of these sizes. */
export function startsOf(count: number, sizeOf: (item: number) => number): Float64Array {
  const starts = new Float64Array(count + 1)
  let at = 0
  for (let item = 0; item < count; item++) {
    starts[item] = at
    at += sizeOf(item)
  }
  starts[count] = at
  return starts
}

/** The bytes of `span` of strips that follow one another; none beyond their end, none empty. */
export function* partsOf(strips: Iterable<Strip>, span: ByteSpan): Iterable<BodyPart> {
  let at = 0
  for (const strip of strips) {
    if (at >= span.end) return
    yield* within(strip, { start: span.start - at, end: span.end - at })
    at += stripSize(strip)
  }
}

function* within(strip: Strip, span: ByteSpan): Iterable<BodyPart> {
  const { starts } = strip
  const count = starts.length - 1
  for (let item = itemAt(starts, span.start); item < count; item++) {
    let at = starts[item] ?? 0
    if (at >= span.end) return
    for (const part of strip.parts(item)) {
      const end = at + partSize(part)
      const cut = { start: Math.max(span.start, at) - at, end: Math.min(span.end, end) - at }
      if (cut.start < cut.end) yield cutPart(part, cut)
      at = end
      if (at >= span.end) return
    }
  }
}

/** The item that holds the byte at `offset`; past the end, as many as there are. */
function itemAt(starts: Float64Array, offset: number): number {
  let low = 0
  let high = starts.length - 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((starts[middle + 1] ?? 0) > offset) high = middle
    else low = middle + 1
  }
  return low
}

function partSize(part: BodyPart): number {
  return part.kind === 'bytes' ? part.bytes.byteLength : part.span.end - part.span.start
}

function cutPart(part: BodyPart, { start, end }: ByteSpan): BodyPart {
  if (end - start === partSize(part)) return part
  if (part.kind === 'bytes') return { kind: 'bytes', bytes: part.bytes.subarray(start, end) }
  const span = { start: part.span.start + start, end: part.span.start + end }
  return { ...part, span }
}
