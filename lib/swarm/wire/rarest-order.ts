/**
 * The pieces nobody is asked for yet, the rarest first.
 *
 * Sorted by counting, and again only when pieces came back or peers have changed what is rare, at
 * most once a second: a search walks over what is open, never over all pieces for each one found.
 */
import type { Geometry } from '../../../core/geometry.ts'
import type { Availability } from './availability.ts'

/** For how long an order holds though peers gain and lose pieces. */
const HOLDS_MS = 1000

export class RarestOrder {
  readonly #availability: Availability
  readonly #isOpen: (index: number) => boolean
  readonly #order: Int32Array
  /** Where equals begin: at random, so that nodes begin at different ends. */
  readonly #origin: number
  #length = 0
  /** No open piece lies before this one. */
  #front = 0
  #stale = true
  #sortedAt = 0
  #sortedVersion = -1

  /** @param isOpen the piece is missing, and nobody is asked for it */
  constructor(
    { pieceCount }: Geometry,
    availability: Availability,
    isOpen: (index: number) => boolean
  ) {
    this.#availability = availability
    this.#isOpen = isOpen
    this.#order = new Int32Array(pieceCount)
    this.#origin = Math.floor(Math.random() * pieceCount)
  }

  /** Pieces are open that were not. */
  review(): void {
    this.#stale = true
  }

  /** No piece is open. @param now milliseconds */
  isEmpty(now: number): boolean {
    this.#settle(now)
    return this.#front === this.#length
  }

  /**
   * Walks over the open pieces, the rarest first, as long as `visit` answers true.
   * @param now milliseconds
   */
  walk(now: number, visit: (index: number) => boolean): void {
    this.#settle(now)
    for (let at = this.#front; at < this.#length; at++) {
      const index = this.#order[at] ?? 0
      if (this.#isOpen(index) && !visit(index)) return
    }
  }

  #settle(now: number): void {
    const moved = this.#sortedVersion !== this.#availability.version
    if (this.#stale || (moved && now - this.#sortedAt >= HOLDS_MS)) this.#sort(now)
    while (this.#front < this.#length && !this.#isOpen(this.#order[this.#front] ?? 0)) this.#front++
  }

  #sort(now: number): void {
    const pieceCount = this.#order.length
    const places = new Int32Array(this.#availability.most() + 2)
    for (let index = 0; index < pieceCount; index++) {
      if (this.#isOpen(index)) this.#count(places, index)
    }
    for (let rarity = 1; rarity < places.length; rarity++) {
      places[rarity] = (places[rarity] ?? 0) + (places[rarity - 1] ?? 0)
    }
    this.#length = places.at(-1) ?? 0
    for (let step = 0; step < pieceCount; step++) {
      const index = (this.#origin + step) % pieceCount
      if (this.#isOpen(index)) this.#place(places, index)
    }
    this.#front = 0
    this.#stale = false
    this.#sortedAt = now
    this.#sortedVersion = this.#availability.version
  }

  /** `places[r]` becomes where the pieces of rarity `r` begin. */
  #count(places: Int32Array, index: number): void {
    const rarity = this.#availability.of(index) + 1
    places[rarity] = (places[rarity] ?? 0) + 1
  }

  #place(places: Int32Array, index: number): void {
    const rarity = this.#availability.of(index)
    const at = places[rarity] ?? 0
    this.#order[at] = index
    places[rarity] = at + 1
  }
}
