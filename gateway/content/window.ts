/**
 * How far ahead of a reader the swarm is asked: pure arithmetic over pieces.
 *
 * A window begins with the piece being read: two pieces first, then as many bytes as the client
 * took without a jump, up to 32 MiB. A client that stops taking is waited for with what it has.
 */
import { type ByteSpan, type Geometry, type PieceSpan, pieceAt } from '../../core/geometry.ts'

const FIRST_PIECES = 2
const MAX_BYTES = 32 * 2 ** 20
/** Of a media file's head, and of its tail. */
const EDGE_PIECES = 2
const EDGE_BYTES = 4 * 2 ** 20

/**
 * The window of a reader at `position`, which lies below `end`, where its reach ends.
 * @param taken bytes that the client took since the reading began or jumped
 */
export function windowAt(
  { pieceLength, pieceCount }: Geometry,
  position: number,
  end: number,
  taken: number
): PieceSpan {
  const first = Math.floor(position / pieceLength)
  const ahead = Math.floor(Math.min(taken, MAX_BYTES) / pieceLength)
  const last = Math.min(pieceCount, Math.ceil(end / pieceLength))
  return { first, end: Math.min(last, first + Math.max(FIRST_PIECES, ahead)) }
}

/** Whether going from one offset to another is reading on: a player skips a few bytes. */
export function isReadingOn({ pieceLength }: Geometry, from: number, to: number): boolean {
  return to >= from && to - from < pieceLength
}

/**
 * The pieces at the head and the tail of a media file, where its index lies: what players ask for
 * when they have seen the first bytes. None for a file that a first window has nearly all of, nor
 * where a single piece would be too much.
 */
export function edgesOf({ pieceLength, ...geometry }: Geometry, file: ByteSpan): PieceSpan[] {
  const count = Math.min(EDGE_PIECES, Math.floor(EDGE_BYTES / pieceLength))
  if (count === 0 || file.end - file.start <= FIRST_PIECES * pieceLength) return []
  const first = pieceAt({ pieceLength, ...geometry }, file.start)
  const last = pieceAt({ pieceLength, ...geometry }, file.end - 1)
  const tail = Math.max(first + count, last + 1 - count)
  return [
    { first, end: Math.min(first + count, last + 1) },
    { first: tail, end: last + 1 }
  ].filter((edge) => edge.end > edge.first)
}
