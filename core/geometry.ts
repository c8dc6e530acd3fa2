/**
 * Where pieces lie: arithmetic over a torrent's size and piece length, no object per piece.
 *
 * Spans are half-open everywhere inside; only the wire and HTTP headers are inclusive.
 */

/** Half-open byte interval: `end` is the first byte *not* included. */
export interface ByteSpan {
  readonly start: number
  readonly end: number
}

/** Half-open interval of piece indices. */
export interface PieceSpan {
  readonly first: number
  readonly end: number
}

/** A torrent's bytes cut into pieces. All sizes in bytes. */
export interface Geometry {
  readonly size: number
  readonly pieceLength: number
  readonly pieceCount: number
}

const MiB = 2 ** 20
const GiB = 2 ** 30

/** The piece length we publish with, by total size (DESIGN: part of the infohash for ever). */
export function pieceLengthFor(size: number): number {
  if (size <= 64 * MiB) return 256 * 1024
  if (size <= GiB) return 512 * 1024
  if (size <= 8 * GiB) return MiB
  if (size <= 32 * GiB) return 2 * MiB
  if (size <= 128 * GiB) return 4 * MiB
  return 16 * MiB
}

/** The geometry of `size` bytes in pieces of `pieceLength`. */
export function geometryOf(size: number, pieceLength: number): Geometry {
  return { size, pieceLength, pieceCount: Math.ceil(size / pieceLength) }
}

/** The bytes of piece `index`; the last piece may be short. */
export function pieceSpan(geometry: Geometry, index: number): ByteSpan {
  const start = index * geometry.pieceLength
  return { start, end: Math.min(start + geometry.pieceLength, geometry.size) }
}

/** The number of bytes of piece `index`. */
export function pieceSize(geometry: Geometry, index: number): number {
  const { start, end } = pieceSpan(geometry, index)
  return end - start
}

/** The piece that holds the byte at `offset`. */
export function pieceAt(geometry: Geometry, offset: number): number {
  return Math.floor(offset / geometry.pieceLength)
}

/** The pieces that cover a span; none for an empty span. */
export function piecesOf(geometry: Geometry, span: ByteSpan): PieceSpan {
  if (span.end <= span.start) return { first: 0, end: 0 }
  return { first: pieceAt(geometry, span.start), end: pieceAt(geometry, span.end - 1) + 1 }
}
