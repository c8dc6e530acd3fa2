/**
 * What peers are asked for: keeps each one's queue as deep as its line is long, and takes requests
 * back when their piece is not wanted, has come, or its peer is gone.
 */
import type { Geometry } from '../../../core/geometry.ts'
import { pieceSize } from '../../../core/geometry.ts'
import type { Peer } from './peer.ts'
import type { Picker } from './picker.ts'
import { BLOCK_BYTES } from './request-queue.ts'

export interface AskingDeps {
  readonly geometry: Geometry
  readonly picker: Picker
  /** The open connections by serial. */
  readonly peers: ReadonlyMap<number, Peer>
  /** How many of `bytes` may be asked for now. */
  readonly allow: (bytes: number) => number
  /** May this piece be asked of this peer now? The fleet shares pieces out among its gateways. */
  readonly mayAsk: (peer: Peer, index: number, now: number) => boolean
}

export interface Asking {
  /** There may be something to ask where there was nothing before. */
  changed(): void
  /** Asks the peer for as much as its line takes. Cheap when there is nothing to ask. */
  ask(peer: Peer): void
  askAll(): void
  /** Tells the peer that we do not wait for this block any more; it may still come. */
  cancel(peer: Peer, index: number, block: number): void
  /** Cancels what is asked of anybody for the piece. */
  cancelPiece(index: number): void
  /** Gives up a piece that is being fetched, with what has come of it. */
  giveUp(index: number): void
  /**
   * The peer will not send what it was asked for: others may be asked.
   * @param mayCome it may nevertheless, what is on its way
   */
  releaseAll(peer: Peer, mayCome: boolean): void
  /** Tells the peer whether it has something we want (BEP 3). */
  reviewInterest(peer: Peer): void
}

export function createAsking(deps: AskingDeps): Asking {
  const { geometry, picker, peers } = deps
  /** Changes with everything that may make a peer worth asking. */
  let state = 0

  function changed(): void {
    state++
    picker.review()
  }

  function ask(peer: Peer): void {
    if (peer.closed || peer.dryAt === state || peer.silent) return
    const { depth } = peer.pace
    if (peer.requests.size > (depth * 3) / 4) return
    const room = Math.min(depth - peer.requests.size, peer.requests.room)
    if (room > 0) askFor(peer, room, Date.now())
  }

  function askFor(peer: Peer, room: number, now: number): void {
    const allowed = Math.floor(deps.allow(room * BLOCK_BYTES) / BLOCK_BYTES)
    if (allowed === 0) return
    if (peer.requests.size === 0) peer.progressedAt = now
    let asked = 0
    const picking = {
      serial: peer.serial,
      pieces: peer.pieces,
      slow: peer.slow,
      mayAsk: (index: number) =>
        peer.rights.mayAsk(index, peer.peerChoking, now) && deps.mayAsk(peer, index, now),
      isAsked: (index: number, block: number) => peer.requests.has(index, block)
    }
    picker.pick(picking, allowed, now, (piece, block) => {
      asked++
      peer.requests.push(piece.index, block, now)
      peer.outbox.request(piece.index, block * BLOCK_BYTES, piece.blockBytes(block))
    })
    if (asked < allowed) peer.dryAt = state
    if (asked > 0) peer.flushSoon()
  }

  function askAll(): void {
    for (const peer of peers.values()) ask(peer)
  }

  function cancel(peer: Peer, index: number, block: number): void {
    const begin = block * BLOCK_BYTES
    peer.credit++
    peer.outbox.cancel(index, begin, Math.min(BLOCK_BYTES, pieceSize(geometry, index) - begin))
    peer.flushSoon()
  }

  function cancelPiece(index: number): void {
    for (const peer of peers.values()) {
      peer.requests.takeIf(
        (piece) => piece === index,
        (_, block) => cancel(peer, index, block)
      )
    }
  }

  function giveUp(index: number): void {
    cancelPiece(index)
    for (const peer of peers.values()) if (peer.arrival?.piece.index === index) peer.abandonBlock()
    picker.drop(index)
  }

  function releaseAll(peer: Peer, mayCome: boolean): void {
    peer.requests.takeIf(
      () => true,
      (index, block, lost) => {
        if (mayCome) peer.credit++
        if (!lost) picker.active.get(index)?.unask(block)
      }
    )
    for (const piece of picker.active.values()) if (piece.solo === peer.serial) piece.solo = 0
    changed()
    askAll()
  }

  function reviewInterest(peer: Peer): void {
    const interested = picker.interests(peer)
    if (interested === peer.amInterested) return
    peer.amInterested = interested
    if (interested) peer.outbox.interested()
    else peer.outbox.notInterested()
    peer.flushSoon()
  }

  return { changed, ask, askAll, cancel, cancelPiece, giveUp, releaseAll, reviewInterest }
}
