/**
 * What two threads need to work on one torrent's pieces: where they lie and which are there.
 *
 * Structured-clonable, and the bits are shared memory. Both stores reduce to the same layout: an
 * ordered list of segment files that together cover the torrent's bytes. A library segment is a
 * file of the torrent; a cache segment is an extent, a sparse file that may be absent.
 */

/** Segment `k` covers the bytes `[starts[k], starts[k + 1])` and is the file `{folder}/{k}`. */
export interface Layout {
  readonly folder: string
  /** Ascending, one longer than the number of segments; the last is the torrent's size. */
  readonly starts: Float64Array
  /** Library: every segment is always resident. Cache: see `PieceBits.resident`. */
  readonly kind: 'library' | 'cache'
}

export interface SharedPieces {
  readonly layout: Layout
  readonly size: number
  readonly pieceLength: number
  /** The memory behind `PieceBits`. */
  readonly bits: SharedArrayBuffer
}
