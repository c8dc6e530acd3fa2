/**
 * The pieces of one torrent that are being fetched, and the memory they hold.
 *
 * Bounded by the pool. A piece that nobody can be asked for holds its memory only until another
 * needs it, so that peers who claim pieces and leave cannot use it up.
 */
import { type Geometry, pieceSize } from '../../../core/geometry.ts'
import type { BufferPool, PoolClaim } from './buffer-pool.ts'
import { PieceInFlight } from './piece-in-flight.ts'

/** A piece that nobody could be asked for in this time makes way when there is no memory. */
const STRANDED_MS = 2000

export class PiecesInFlight {
  /** Changes when there is something to ask for that was not before. */
  returns = 0
  /** Pieces that were given up. */
  drops = 0
  /** There was no memory for a piece since this was last set to false. */
  starved = false
  readonly #geometry: Geometry
  readonly #pool: BufferPool
  readonly #pieces = new Map<number, PieceInFlight>()
  /** Every piece with blocks nobody is asked for, and some without. */
  readonly #partial = new Set<PieceInFlight>()

  constructor(geometry: Geometry, pool: BufferPool) {
    this.#geometry = geometry
    this.#pool = pool
  }

  get(index: number): PieceInFlight | undefined {
    return this.#pieces.get(index)
  }

  has(index: number): boolean {
    return this.#pieces.has(index)
  }

  get size(): number {
    return this.#pieces.size
  }

  indices(): number[] {
    return [...this.#pieces.keys()]
  }

  values(): Iterable<PieceInFlight> {
    return this.#pieces.values()
  }

  /** Those with blocks nobody is asked for. */
  *partial(): Iterable<PieceInFlight> {
    for (const piece of this.#partial) {
      if (piece.unasked > 0) yield piece
      else this.#partial.delete(piece)
    }
  }

  /** Begins a piece; undefined when there is no memory for it. @param now milliseconds */
  begin(index: number, now: number, claim: PoolClaim): PieceInFlight | undefined {
    const bytes = this.#memory(pieceSize(this.#geometry, index), now, claim)
    if (bytes === undefined) return undefined
    const piece = new PieceInFlight(index, bytes)
    this.#pieces.set(index, piece)
    this.#partial.add(piece)
    return piece
  }

  /** Takes the piece out; its memory is the caller's. */
  take(index: number): PieceInFlight | undefined {
    const piece = this.#pieces.get(index)
    if (piece === undefined) return undefined
    this.#pieces.delete(index)
    this.#partial.delete(piece)
    return piece
  }

  /** Gives up a piece. Nobody may be sending a block of it. */
  drop(index: number): void {
    const piece = this.take(index)
    if (piece === undefined) return
    this.#pool.give(piece.bytes)
    this.returns++
    this.drops++
  }

  /** One that was asked for the block will not send it, or is not counted on any more. */
  unask(index: number, block: number): void {
    const piece = this.#pieces.get(index)
    piece?.unask(block)
    if (piece === undefined || piece.unasked === 0) return
    this.#partial.add(piece)
    this.returns++
  }

  /** A piece lacks blocks that somebody could be asked for. @param now milliseconds */
  hasOpenBlocks(now: number): boolean {
    for (const piece of this.partial()) if (now - piece.askedAt < STRANDED_MS) return true
    return false
  }

  #memory(bytes: number, now: number, claim: PoolClaim): Uint8Array<ArrayBuffer> | undefined {
    const given = this.#pool.take(bytes, this.size === 0 ? 'first' : claim)
    if (given !== undefined) return given
    this.starved = true
    return this.#reclaim(now) ? this.#pool.take(bytes, claim) : undefined
  }

  #reclaim(now: number): boolean {
    for (const piece of this.partial()) {
      if (!piece.idle || (!piece.empty && now - piece.askedAt < STRANDED_MS)) continue
      this.drop(piece.index)
      return true
    }
    return false
  }
}
