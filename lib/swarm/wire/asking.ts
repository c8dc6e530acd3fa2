/**
 * What peers are asked for: keeps each one's queue as deep as its line is long, and takes requests
 * back when their piece is not wanted, has come, or its peer is gone.
 *
 * A peer for which nothing was found is *dry*: it is not searched for again until something may be
 * there (`wake`) or time has passed (`tick`). What happens in one turn leads to one search.
 */
import { type Geometry, pieceSize } from '../../../core/geometry.ts'
import type { Peer } from './peer.ts'
import type { Picker } from './picker.ts'
import type { RateLimit } from './rate-limit.ts'
import { BLOCK_BYTES } from './request-queue.ts'

/** The search beyond the windows is repeated for a dry peer on one tick in so many. */
const BEYOND_ONE_IN = 10
/** A fast peer that owes blocks and sends none for this time is not waited for. */
const QUIET_MS = 250

export interface AskingDeps {
  readonly geometry: Geometry
  readonly picker: Picker
  /** The open connections by serial. */
  readonly peers: ReadonlyMap<number, Peer>
  /** Asked before bytes are asked for; what is not asked for then is given back. */
  readonly download: Pick<RateLimit, 'take' | 'giveBack'>
  /** May this piece be asked of this peer now? The fleet shares pieces out among its gateways. */
  readonly mayAsk: (peer: Peer, index: number, now: number) => boolean
}

export interface Asking {
  /** There may be something to ask where there was nothing: all are asked at the end of the turn. */
  wake(): void
  /** The same for one peer. */
  wakePeer(peer: Peer): void
  /** The peer answered: it is not silent. */
  gave(peer: Peer): void
  /** The peer is not asked again before the next tick. */
  rest(peer: Peer): void
  /** Asks the peer for as much as its line takes. Cheap when there is nothing to ask. */
  ask(peer: Peer): void
  /** Asks for what is late too. About ten times a second. @param now milliseconds */
  tick(now: number): void
  /** Tells the peer that we do not wait for this block any more; it may still come. */
  cancel(peer: Peer, index: number, block: number): void
  /** Gives up these pieces, with what has come of them. */
  giveUp(indices: readonly number[]): void
  /**
   * The peer will not send what it was asked for: others may be asked.
   * @param mayCome it may nevertheless, what is on its way
   */
  releaseAll(peer: Peer, mayCome: boolean): void
  /** What must come from this peer alone must come from another. */
  releaseSolo(peer: Peer): void
  /** Tells the peer whether it has something we want (BEP 3). */
  reviewInterest(peer: Peer): void
}

interface Scope {
  readonly now: number
  readonly beyond: boolean
  readonly late: boolean
}

export function createAsking(deps: AskingDeps): Asking {
  const { geometry, picker, peers } = deps
  /** Changes with everything that may make a peer worth asking. */
  let state = 0
  let woken = false
  let ticks = 0
  /** For how long (milliseconds) a peer owed what was then taken back from it. */
  const owed = new WeakMap<Peer, number>()

  function wake(): void {
    state++
    askSoon()
  }

  function wakePeer(peer: Peer): void {
    peer.dryAt = -1
    askSoon()
  }

  function askSoon(): void {
    if (woken) return
    woken = true
    queueMicrotask(() => {
      woken = false
      for (const peer of fastFirst()) ask(peer)
    })
  }

  function fastFirst(): Peer[] {
    const all = [...peers.values()]
    return [...all.filter(({ slow }) => !slow), ...all.filter(({ slow }) => slow)]
  }

  function ask(peer: Peer): void {
    if (peer.dryAt !== state) fill(peer, { now: Date.now(), beyond: true, late: false })
  }

  function tick(now: number): void {
    ticks++
    for (const peer of fastFirst()) {
      const isTurn = (peer.serial + ticks) % BEYOND_ONE_IN === 0
      fill(peer, { now, beyond: isTurn || peer.dryAt !== state, late: true })
    }
  }

  function fill(peer: Peer, scope: Scope): void {
    if (peer.closed || peer.silent) return
    const { depth } = peer.pace
    if (peer.requests.size > (depth * 3) / 4) return
    const room = Math.min(depth - peer.requests.size, peer.requests.room)
    if (room <= 0) return
    const allowed = deps.download.take(room * BLOCK_BYTES, scope.now)
    const count = Math.floor(allowed / BLOCK_BYTES)
    const asked = count === 0 ? 0 : request(peer, count, scope)
    deps.download.giveBack(allowed - asked * BLOCK_BYTES)
    if (asked < count && scope.beyond) peer.dryAt = state
  }

  function request(peer: Peer, count: number, { now, beyond, late }: Scope): number {
    const idle = peer.requests.size === 0
    const picking = {
      serial: peer.serial,
      pieces: peer.pieces,
      slow: peer.slow,
      mayAsk: (index: number) => mayAsk(peer, index, now),
      leaves: (index: number) => hasFaster(peer, index, now),
      isAsked: (index: number, block: number) => peer.requests.has(index, block)
    }
    const asked = picker.pick(picking, {
      count,
      now,
      beyond,
      late,
      ask(piece, block) {
        peer.requests.push(piece.index, block, now)
        peer.outbox.request(piece.index, block * BLOCK_BYTES, piece.blockBytes(block))
      }
    })
    if (asked === 0) return 0
    if (idle) peer.progressedAt = now - (owed.get(peer) ?? 0)
    peer.flushSoon()
    return asked
  }

  function mayAsk(peer: Peer, index: number, now: number): boolean {
    return peer.rights.mayAsk(index, peer.peerChoking, now) && deps.mayAsk(peer, index, now)
  }

  function hasFaster(peer: Peer, index: number, now: number): boolean {
    for (const other of peers.values()) {
      if (other === peer || other.slow || !other.pieces.has(index) || isQuiet(other, now)) continue
      if (mayAsk(other, index, now)) return true
    }
    return false
  }

  function isQuiet(peer: Peer, now: number): boolean {
    return peer.silent || (peer.requests.size > 0 && now - peer.progressedAt > QUIET_MS)
  }

  function cancel(peer: Peer, index: number, block: number): void {
    const begin = block * BLOCK_BYTES
    peer.credit++
    if (peer.requests.size === 0) owed.set(peer, Date.now() - peer.progressedAt)
    peer.outbox.cancel(index, begin, Math.min(BLOCK_BYTES, pieceSize(geometry, index) - begin))
    peer.flushSoon()
  }

  function giveUp(indices: readonly number[]): void {
    if (indices.length === 0) return
    const given = new Set(indices)
    for (const peer of peers.values()) {
      const { arrival } = peer
      if (arrival !== undefined && given.has(arrival.piece.index)) {
        peer.abandonBlock()
        peer.requests.take(arrival.piece.index, arrival.block)
      }
      // What a silent peer was asked for stays asked: it shows when the peer gives again.
      if (peer.silent) continue
      peer.requests.takeIf(
        (index) => given.has(index),
        (index, block) => cancel(peer, index, block)
      )
    }
    for (const index of given) picker.flight.drop(index)
  }

  function releaseAll(peer: Peer, mayCome: boolean): void {
    peer.requests.takeIf(
      () => true,
      (index, block, lost) => {
        if (mayCome) peer.credit++
        if (!lost) picker.flight.unask(index, block)
      }
    )
    releaseSolo(peer)
    wake()
  }

  function releaseSolo(peer: Peer): void {
    const begun: number[] = []
    for (const piece of picker.flight.values()) {
      if (piece.solo !== peer.serial) continue
      piece.solo = 0
      // Bytes of two peers in it would hide again which of them lies.
      if (!piece.empty) begun.push(piece.index)
    }
    giveUp(begun)
  }

  function reviewInterest(peer: Peer): void {
    const interested = picker.interests(peer)
    if (interested === peer.amInterested) return
    peer.amInterested = interested
    if (interested) peer.outbox.interested()
    else peer.outbox.notInterested()
    peer.flushSoon()
  }

  return {
    wake,
    wakePeer,
    gave: (peer) => void owed.delete(peer),
    rest(peer) {
      peer.dryAt = state
    },
    ask,
    tick,
    cancel,
    giveUp,
    releaseAll,
    releaseSolo,
    reviewInterest
  }
}
