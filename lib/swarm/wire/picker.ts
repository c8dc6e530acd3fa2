/**
 * Chooses which blocks a peer is asked for: the order of deadlines, then rarest first.
 *
 * 1. Pieces of readers' windows by deadline: blocks nobody is asked for.
 * 2. With `all`: pieces already begun, then the rarest one the peer has.
 * 3. What is late: a block of a piece that a reader waits for is asked of a second peer, and when
 *    nothing else is left so is every block (endgame).
 * A slow peer stays away from the front of a window while faster ones can fetch it.
 * Pure: it neither sends nor reads; memory for pieces comes from the pool and goes back to it.
 */
import { type Geometry, pieceSize } from '../../../core/geometry.ts'
import type { Want } from '../contract.ts'
import { Availability } from './availability.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { PeerPieces } from './peer-pieces.ts'
import { PieceInFlight } from './piece-in-flight.ts'
import { orderWanted, type WantedPieces } from './wanted-pieces.ts'

/** A block that a reader waits for is asked of another peer after this time. */
const LATE_MS = 250
/** Peers asked for the same block at once. */
const MAX_ASKED = 3
/** Missing pieces at the front of a window that are left to fast peers. */
const FRONT_PIECES = 4

export interface PickingPeer {
  readonly serial: number
  readonly pieces: PeerPieces
  /** Much slower than others of the torrent. */
  readonly slow: boolean
  /** May the peer be asked for this piece now? */
  mayAsk(index: number): boolean
  /** It is asked for the block already. */
  isAsked(index: number, block: number): boolean
}

export interface PickerDeps {
  readonly geometry: Geometry
  /** The store has the piece, or is being given it. */
  readonly has: (index: number) => boolean
  /** It came wrong from several: it must come from one peer alone. */
  readonly isSuspect: (index: number) => boolean
  readonly pool: BufferPool
}

export class Picker {
  readonly availability: Availability
  readonly #deps: PickerDeps
  readonly #active = new Map<number, PieceInFlight>()
  #want: Want = { all: false, windows: [] }
  #wanted: WantedPieces | undefined
  /** Where the search for a new piece begins: at random, so that nodes begin at different ends. */
  #cursor: number

  constructor(deps: PickerDeps) {
    this.#deps = deps
    this.#cursor = Math.floor(Math.random() * deps.geometry.pieceCount)
    this.availability = new Availability(deps.geometry.pieceCount)
  }

  /** Pieces that are being fetched. */
  get active(): ReadonlyMap<number, PieceInFlight> {
    return this.#active
  }

  get wanted(): WantedPieces {
    this.#wanted ??= orderWanted(
      this.#want,
      this.#deps.geometry.pieceCount,
      (index) => !this.#deps.has(index)
    )
    return this.#wanted
  }

  setWant(want: Want): void {
    this.#want = want
    this.#wanted = undefined
  }

  /** The store gained or lost a piece. */
  review(): void {
    this.#wanted = undefined
  }

  /** Takes the piece out of what is being fetched; its memory is the caller's. */
  take(index: number): PieceInFlight | undefined {
    const piece = this.#active.get(index)
    this.#active.delete(index)
    return piece
  }

  /** Gives up a piece that is being fetched. */
  drop(index: number): void {
    const piece = this.take(index)
    if (piece !== undefined) this.#deps.pool.give(piece.bytes)
  }

  /**
   * Chooses up to `count` blocks, and counts the peer as asked for them. `ask` hears of each.
   * @param now milliseconds
   */
  pick(
    peer: PickingPeer,
    count: number,
    now: number,
    ask: (piece: PieceInFlight, block: number) => void
  ): void {
    let left = count
    const fill = (piece: PieceInFlight) => {
      left -= this.#askUnasked(piece, left, now, ask)
    }
    const { ordered, all } = this.wanted
    for (let at = this.#frontOf(peer); at < ordered.length && left > 0; at++) {
      const piece = this.#open(ordered[at] ?? 0, peer)
      if (piece === 'no room') break
      if (piece !== undefined) fill(piece)
    }
    if (all && left > 0) this.#pickAny(peer, () => left > 0, fill)
    if (left > 0) this.#pickLate(peer, left, now, ask)
  }

  /** Whether the peer has a piece that is wanted. */
  interests({ pieces }: Pick<PickingPeer, 'pieces'>): boolean {
    const { ordered, all } = this.wanted
    if (ordered.some((index) => pieces.has(index))) return true
    if (!all || pieces.count === 0) return false
    for (let index = 0; index < this.#deps.geometry.pieceCount; index++) {
      if (pieces.has(index) && !this.#deps.has(index)) return true
    }
    return false
  }

  #frontOf(peer: PickingPeer): number {
    const { ordered } = this.wanted
    return peer.slow && ordered.length > 2 * FRONT_PIECES ? FRONT_PIECES : 0
  }

  /** The piece, begun if need be, when the peer may be asked for blocks of it. */
  #open(index: number, peer: PickingPeer): PieceInFlight | 'no room' | undefined {
    if (!peer.pieces.has(index)) return undefined
    const known = this.#active.get(index)
    if (known !== undefined) return this.#usable(known, peer) ? known : undefined
    if (this.#deps.has(index) || !peer.mayAsk(index)) return undefined
    return this.#begin(index, peer)
  }

  #usable(piece: PieceInFlight, peer: PickingPeer): boolean {
    if (piece.unasked === 0 || !peer.pieces.has(piece.index)) return false
    if (!peer.mayAsk(piece.index)) return false
    if (piece.solo === undefined) return true
    if (piece.solo === 0) piece.solo = peer.serial
    return piece.solo === peer.serial
  }

  #begin(index: number, peer: PickingPeer): PieceInFlight | 'no room' {
    const { geometry, pool } = this.#deps
    const bytes = pool.take(pieceSize(geometry, index), this.#active.size === 0)
    if (bytes === undefined) return 'no room'
    const piece = new PieceInFlight(index, bytes)
    if (this.#deps.isSuspect(index)) piece.solo = peer.serial
    this.#active.set(index, piece)
    return piece
  }

  #pickAny(peer: PickingPeer, isOpen: () => boolean, fill: (piece: PieceInFlight) => void): void {
    for (const piece of this.#active.values()) {
      if (!isOpen()) return
      if (this.#usable(piece, peer)) fill(piece)
    }
    while (isOpen()) {
      const index = this.#rarest(peer)
      if (index === -1) return
      const piece = this.#begin(index, peer)
      if (piece === 'no room') return
      fill(piece)
    }
  }

  /** The rarest missing piece the peer has, of equals the first from the cursor on; or -1. */
  #rarest(peer: PickingPeer): number {
    const { pieceCount } = this.#deps.geometry
    this.#advance(pieceCount)
    let best = -1
    let least = Number.POSITIVE_INFINITY
    for (let step = 0; step < pieceCount; step++) {
      const index = (this.#cursor + step) % pieceCount
      const rarity = this.availability.of(index)
      if (rarity >= least || !peer.pieces.has(index)) continue
      if (this.#active.has(index) || this.#deps.has(index) || !peer.mayAsk(index)) continue
      best = index
      least = rarity
      if (rarity <= 1) break
    }
    return best
  }

  /** Moves the cursor over pieces that need no search any more. */
  #advance(pieceCount: number): void {
    for (let step = 0; step < pieceCount; step++) {
      if (!this.#active.has(this.#cursor) && !this.#deps.has(this.#cursor)) return
      this.#cursor = (this.#cursor + 1) % pieceCount
    }
  }

  #askUnasked(
    piece: PieceInFlight,
    most: number,
    now: number,
    ask: (piece: PieceInFlight, block: number) => void
  ): number {
    let asked = 0
    for (; asked < most; asked++) {
      const block = piece.nextUnasked()
      if (block === -1) break
      piece.ask(block, now)
      ask(piece, block)
    }
    return asked
  }

  /** Blocks others were asked for and have not sent. */
  #pickLate(
    peer: PickingPeer,
    count: number,
    now: number,
    ask: (piece: PieceInFlight, block: number) => void
  ): void {
    let left = count
    for (const piece of this.#latePieces()) {
      if (!peer.pieces.has(piece.index) || piece.solo !== undefined) continue
      if (!peer.mayAsk(piece.index)) continue
      let block = piece.nextLate(0, now - LATE_MS, MAX_ASKED)
      for (; block !== -1; block = piece.nextLate(block + 1, now - LATE_MS, MAX_ASKED)) {
        if (peer.isAsked(piece.index, block)) continue
        piece.ask(block, now)
        ask(piece, block)
        if (--left === 0) return
      }
    }
  }

  /** Where a second peer is asked: what readers wait for, and everything once all is asked for. */
  #latePieces(): PieceInFlight[] {
    const heads = this.wanted.heads.flatMap((index) => this.#active.get(index) ?? [])
    const pieces = [...this.#active.values()]
    if (pieces.some(({ unasked }) => unasked > 0)) return heads
    return [...heads, ...pieces.filter(({ index }) => !this.wanted.heads.includes(index))]
  }
}
