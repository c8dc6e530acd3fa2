/** How many peers have each piece. Those that have everything are left out: they change no order. */
import type { PeerPieces } from './peer-pieces.ts'

export class Availability {
  readonly #counts: Uint16Array
  /** Changes with every count. */
  version = 0

  constructor(pieceCount: number) {
    this.#counts = new Uint16Array(pieceCount)
  }

  of(index: number): number {
    return this.#counts[index] ?? 0
  }

  /** The count of the most common piece. */
  most(): number {
    return this.#counts.reduce((most, count) => Math.max(most, count), 0)
  }

  /** A peer told what it has. */
  join(pieces: PeerPieces): void {
    if (!pieces.all) this.#addAll(pieces, 1)
  }

  leave(pieces: PeerPieces): void {
    if (!pieces.all) this.#addAll(pieces, -1)
  }

  /** A peer got the piece; `pieces` says so already. */
  gain(pieces: PeerPieces, index: number): void {
    this.#add(index, 1)
    if (pieces.all) this.#addAll(pieces, -1)
  }

  /** A peer lost the piece; `pieces` says so already. */
  lose(pieces: PeerPieces, index: number): void {
    if (pieces.count === this.#counts.length - 1) this.#addAll(pieces, 1)
    else this.#add(index, -1)
  }

  #addAll(pieces: PeerPieces, step: number): void {
    if (pieces.count === 0) return
    for (let index = 0; index < this.#counts.length; index++) {
      if (pieces.has(index)) this.#add(index, step)
    }
  }

  #add(index: number, step: number): void {
    this.version++
    const count = (this.#counts[index] ?? 0) + step
    if (count >= 0) this.#counts[index] = count
  }
}
