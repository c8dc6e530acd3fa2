/**
 * The pieces of one info dictionary of one claimed size, as far as they came.
 *
 * Memory grows with the bytes that came; the size is a claim and costs nothing.
 */
import { METADATA_PIECE_BYTES, metadataPieces } from './metadata-message.ts'

interface Chunk {
  readonly bytes: Uint8Array
  readonly from: number
}

export class MetadataGathering {
  /** Bytes of the whole. */
  readonly size: number
  readonly pieceCount: number
  /** Bytes that came. */
  held = 0
  readonly #chunks = new Map<number, Chunk>()
  /** Peers that have been asked for a piece and may still answer. */
  readonly #askers = new Map<number, number>()

  constructor(size: number) {
    this.size = size
    this.pieceCount = metadataPieces(size)
  }

  get complete(): boolean {
    return this.#chunks.size === this.pieceCount
  }

  has(piece: number): boolean {
    return this.#chunks.has(piece)
  }

  /** What piece `piece` must measure. */
  bytesOf(piece: number): number {
    return Math.min(METADATA_PIECE_BYTES, this.size - piece * METADATA_PIECE_BYTES)
  }

  /** @param bytes copied, of the right length */
  put(piece: number, from: number, bytes: Uint8Array): void {
    this.#chunks.set(piece, { bytes: new Uint8Array(bytes), from })
    this.held += bytes.byteLength
  }

  askers(piece: number): number {
    return this.#askers.get(piece) ?? 0
  }

  /** @param change 1 when a peer is asked, -1 when it answered or is not waited for any more */
  asked(piece: number, change: 1 | -1): void {
    const askers = this.askers(piece) + change
    if (askers > 0) this.#askers.set(piece, askers)
    else this.#askers.delete(piece)
  }

  /** Who gave any of it. */
  contributors(): number[] {
    return [...new Set([...this.#chunks.values()].map(({ from }) => from))]
  }

  /** All of it, once it is complete. */
  whole(): Uint8Array {
    const whole = new Uint8Array(this.size)
    for (const [piece, { bytes }] of this.#chunks) whole.set(bytes, piece * METADATA_PIECE_BYTES)
    return whole
  }
}
