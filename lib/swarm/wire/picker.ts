/**
 * Chooses which blocks a peer is asked for: the order of deadlines, then rarest first.
 *
 * 1. Pieces of readers' windows by deadline: blocks nobody is asked for. A slow peer begins in the
 *    middle of what is left, and gets what is due first only when no faster one can be asked.
 * 2. With `all`: pieces already begun, then the rarest one the peer has.
 * 3. What is late: a block of a piece that a reader waits for is asked of a second peer, and when
 *    nothing else is missing so is every block (endgame).
 * Pure: it neither sends nor reads; memory for pieces comes from the pool and goes back to it.
 * No search begins at the front again unless something before it came back (`#from`).
 */
import type { Geometry } from '../../../core/geometry.ts'
import type { Want } from '../contract.ts'
import { Availability } from './availability.ts'
import type { BufferPool, PoolClaim } from './buffer-pool.ts'
import type { PeerPieces } from './peer-pieces.ts'
import type { PieceInFlight } from './piece-in-flight.ts'
import { PiecesInFlight } from './pieces-in-flight.ts'
import { RarestOrder } from './rarest-order.ts'
import { orderWanted, type WantedPieces } from './wanted-pieces.ts'

/** A block that a reader waits for is asked of another peer after this time. */
const LATE_MS = 250
/** Peers asked for the same block at once. */
const MAX_ASKED = 3
/** Pieces at the front of what is left of the windows that are kept from slow peers. */
const FRONT_PIECES = 4

export interface PickingPeer {
  readonly serial: number
  readonly pieces: PeerPieces
  /** Much slower than others of the torrent. */
  readonly slow: boolean
  /** May the peer be asked for this piece now? */
  mayAsk(index: number): boolean
  /** One that is faster can be asked for the piece. */
  leaves(index: number): boolean
  /** It is asked for the block already. */
  isAsked(index: number, block: number): boolean
}

export interface Picking {
  /** How many blocks at most. */
  readonly count: number
  /** Milliseconds. */
  readonly now: number
  /** Pieces beyond the windows too. */
  readonly beyond: boolean
  /** What others were asked for and have not sent, too. */
  readonly late: boolean
  /** Hears of each block; the peer counts as asked for it. */
  readonly ask: (piece: PieceInFlight, block: number) => void
}

export interface PickerDeps {
  readonly geometry: Geometry
  /** The store has the piece, or is being given it. */
  readonly has: (index: number) => boolean
  /** It came wrong from several: it must come from one peer alone. */
  readonly isSuspect: (index: number) => boolean
  readonly pool: BufferPool
}

interface Search extends Picking {
  readonly peer: PickingPeer
  left: number
}

export class Picker {
  readonly availability: Availability
  readonly flight: PiecesInFlight
  readonly #deps: PickerDeps
  readonly #rarest: RarestOrder
  #want: Want = { all: false, windows: [] }
  #wanted: WantedPieces | undefined
  /** Pieces of the order before this place are here or asked for. */
  #from = 0
  #returns = 0
  #drops = 0

  constructor(deps: PickerDeps) {
    this.#deps = deps
    this.availability = new Availability(deps.geometry.pieceCount)
    this.flight = new PiecesInFlight(deps.geometry, deps.pool)
    const isOpen = (index: number) => !this.flight.has(index) && !deps.has(index)
    this.#rarest = new RarestOrder(deps.geometry, this.availability, isOpen)
  }

  get wanted(): WantedPieces {
    const { geometry, has } = this.#deps
    this.#wanted ??= orderWanted(this.#want, geometry.pieceCount, (index) => !has(index))
    return this.#wanted
  }

  setWant(want: Want): void {
    this.#want = want
    this.review()
  }

  /** The store lost a piece, or one that it had is to be fetched again. */
  review(): void {
    this.#wanted = undefined
    this.#from = 0
    this.#rarest.review()
  }

  /** The piece is missing and wanted. */
  needs(index: number): boolean {
    return this.wanted.includes(index) && !this.#deps.has(index)
  }

  /** Chooses blocks to ask the peer for. How many. */
  pick(peer: PickingPeer, picking: Picking): number {
    const search: Search = { ...picking, peer, left: picking.count }
    this.#pickWanted(search)
    if (picking.beyond && this.wanted.all && search.left > 0) this.#pickBeyond(search)
    if (picking.late && search.left > 0) this.#pickLate(search)
    return picking.count - search.left
  }

  /** Whether the peer has a piece that is wanted. */
  interests({ pieces }: Pick<PickingPeer, 'pieces'>): boolean {
    const { has, geometry } = this.#deps
    const { ordered, all } = this.wanted
    if (pieces.count === 0) return false
    if (ordered.some((index) => pieces.has(index) && !has(index))) return true
    for (let index = 0; all && index < geometry.pieceCount; index++) {
      if (pieces.has(index) && !has(index)) return true
    }
    return false
  }

  #pickWanted(search: Search): void {
    this.#pass()
    const end = this.wanted.ordered.length
    const from = this.#from
    if (!search.peer.slow) {
      this.#walk(search, from, end, false)
      return
    }
    const front = Math.min(end, from + FRONT_PIECES)
    const middle = Math.max(front, (from + end) >> 1)
    this.#walk(search, middle, end, false)
    this.#walk(search, front, middle, false)
    this.#walk(search, from, front, true)
  }

  /** Moves on to the first piece that may need a search. */
  #pass(): void {
    const { ordered: before, cut } = this.wanted
    if (cut && this.#deps.has(before[before.length >> 1] ?? 0)) this.#wanted = undefined
    if (this.#wanted === undefined || this.#returns !== this.flight.returns) this.#from = 0
    this.#returns = this.flight.returns
    const { ordered } = this.wanted
    while (this.#from < ordered.length && this.#isDone(ordered[this.#from] ?? 0)) this.#from++
  }

  #isDone(index: number): boolean {
    const piece = this.flight.get(index)
    return piece === undefined ? this.#deps.has(index) : piece.unasked === 0
  }

  #walk(search: Search, from: number, end: number, leaves: boolean): void {
    const { ordered } = this.wanted
    for (let at = from; at < end && search.left > 0; at++) {
      const index = ordered[at] ?? 0
      const piece = this.#open(index, search, leaves)
      if (piece === 'no room') return
      if (piece !== undefined) this.#fill(piece, search)
    }
  }

  /** The piece, begun if need be, when the peer may be asked for blocks of it. */
  #open(index: number, search: Search, leaves: boolean): PieceInFlight | 'no room' | undefined {
    const { peer } = search
    const known = this.flight.get(index)
    if (known?.unasked === 0 || !peer.pieces.has(index)) return undefined
    if (known === undefined && this.#deps.has(index)) return undefined
    if (!peer.mayAsk(index) || (leaves && peer.leaves(index))) return undefined
    if (known === undefined) return this.#begin(index, search, 'window')
    return this.#mayFill(known, peer) ? known : undefined
  }

  #mayFill(piece: PieceInFlight, peer: PickingPeer): boolean {
    if (piece.solo === undefined) return true
    if (piece.solo === 0) piece.solo = peer.serial
    return piece.solo === peer.serial
  }

  #begin(index: number, { peer, now }: Search, claim: PoolClaim): PieceInFlight | 'no room' {
    const piece = this.flight.begin(index, now, claim)
    if (piece === undefined) return 'no room'
    if (this.#deps.isSuspect(index)) piece.solo = peer.serial
    return piece
  }

  #pickBeyond(search: Search): void {
    const { peer } = search
    this.#followDrops()
    for (const piece of this.flight.partial()) {
      if (search.left === 0) return
      if (!peer.pieces.has(piece.index) || !peer.mayAsk(piece.index)) continue
      if (this.#mayFill(piece, peer)) this.#fill(piece, search)
    }
    this.#rarest.walk(search.now, (index) => {
      if (search.left === 0) return false
      if (!peer.pieces.has(index) || !peer.mayAsk(index)) return true
      const piece = this.#begin(index, search, 'ahead')
      if (piece !== 'no room') this.#fill(piece, search)
      return piece !== 'no room'
    })
  }

  #fill(piece: PieceInFlight, search: Search): void {
    while (search.left > 0) {
      const block = piece.nextUnasked()
      if (block === -1) return
      this.#ask(piece, block, search)
    }
  }

  #ask(piece: PieceInFlight, block: number, search: Search): void {
    piece.ask(block, search.now)
    search.ask(piece, block)
    search.left--
  }

  /** Blocks others were asked for and have not sent. */
  #pickLate(search: Search): void {
    const { peer, now } = search
    for (const piece of this.#latePieces(now)) {
      if (search.left === 0) return
      const { index } = piece
      if (piece.solo !== undefined || !peer.pieces.has(index)) continue
      if (!peer.mayAsk(index)) continue
      let block = piece.nextLate(0, now - LATE_MS, MAX_ASKED)
      for (; block !== -1; block = piece.nextLate(block + 1, now - LATE_MS, MAX_ASKED)) {
        if (!peer.isAsked(index, block)) this.#ask(piece, block, search)
        if (search.left === 0) return
      }
    }
  }

  /** Where a second peer is asked: what readers wait for, and everything when that is the end. */
  *#latePieces(now: number): Iterable<PieceInFlight> {
    const { all } = this.wanted
    const heads = this.wanted.heads()
    for (const index of heads) {
      const piece = this.flight.get(index)
      if (piece !== undefined) yield piece
    }
    if (!all || this.flight.hasOpenBlocks(now)) return
    this.#followDrops()
    if (!this.#rarest.isEmpty(now)) return
    for (const piece of this.flight.values()) if (!heads.includes(piece.index)) yield piece
  }

  /** Pieces that were given up are to be found again. */
  #followDrops(): void {
    if (this.#drops !== this.flight.drops) this.#rarest.review()
    this.#drops = this.flight.drops
  }
}
