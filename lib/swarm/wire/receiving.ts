/** The blocks that come: each goes straight to its place, whoever sent it, and only if asked for. */
import type { Asking } from './asking.ts'
import type { Peer } from './peer.ts'
import type { Picker } from './picker.ts'
import type { PieceInFlight } from './piece-in-flight.ts'
import { BLOCK_BYTES } from './request-queue.ts'
import { WireError } from './wire-error.ts'

/** A sender that has paused for this time within a block makes way for another. */
const TAKEOVER_MS = 50

export interface ReceivingDeps {
  readonly picker: Picker
  readonly peers: ReadonlyMap<number, Peer>
  readonly asking: Asking
  /** Every block of the piece is here. */
  readonly finish: (piece: PieceInFlight) => void
}

export interface Receiving {
  /** Where the block goes; undefined when it is of no use. Throws `WireError` if nobody asked. */
  blockStart(peer: Peer, index: number, begin: number, length: number): Uint8Array | undefined
  blockEnd(peer: Peer, index: number, begin: number): void
  /** The peer will not send it (BEP 6). */
  rejected(peer: Peer, index: number, begin: number): void
}

export function createReceiving({ picker, peers, asking, finish }: ReceivingDeps): Receiving {
  function blockStart(peer: Peer, index: number, begin: number, length: number) {
    const block = begin / BLOCK_BYTES
    if (!peer.requests.has(index, block)) {
      if (peer.credit-- <= 0) throw new WireError('a block nobody asked for')
      return undefined
    }
    const piece = picker.active.get(index)
    if (piece !== undefined && piece.blockBytes(block) !== length) {
      throw new WireError('a block of another length')
    }
    const target = piece && (piece.open(block, peer.serial) ?? takeOver(piece, block, peer))
    if (piece === undefined || target === undefined) {
      answered(peer, index, block)
      return undefined
    }
    peer.arrival = { piece, block }
    return target
  }

  /** The peer has answered the request: when it was asked (milliseconds), -1 if it was not. */
  function answered(peer: Peer, index: number, block: number): number {
    const askedAt = peer.requests.take(index, block)
    if (askedAt >= 0 && !peer.requests.tookLost) picker.active.get(index)?.unask(block)
    return askedAt
  }

  /** Whoever has stopped in the middle of a block makes way. */
  function takeOver(piece: PieceInFlight, block: number, peer: Peer): Uint8Array | undefined {
    const other = peers.get(piece.arrivingFrom(block) ?? 0)
    if (other === undefined || peer.receivedAt - other.progressedAt < TAKEOVER_MS) return undefined
    other.abandonBlock()
    answered(other, piece.index, block)
    return piece.open(block, peer.serial)
  }

  function blockEnd(peer: Peer, index: number, begin: number): void {
    const block = begin / BLOCK_BYTES
    const { arrival } = peer
    peer.arrival = undefined
    const askedAt = answered(peer, index, block)
    if (arrival === undefined || askedAt < 0) return
    const { piece } = arrival
    const length = piece.blockBytes(block)
    peer.downloadedBytes += length
    peer.pace.block(length, peer.receivedAt - askedAt, peer.receivedAt)
    piece.arrived(block)
    if (piece.asked(block) > 0) cancelElsewhere(peer, piece, block)
    if (piece.complete) finish(piece)
    if (peer.silent) revive(peer)
    asking.ask(peer)
  }

  function cancelElsewhere(sender: Peer, piece: PieceInFlight, block: number): void {
    for (const peer of peers.values()) {
      if (peer === sender || answered(peer, piece.index, block) < 0) continue
      asking.cancel(peer, piece.index, block)
    }
  }

  /** It gives again: what it was asked for is counted on anew. */
  function revive(peer: Peer): void {
    peer.silent = false
    peer.dryAt = -1
    const now = Date.now()
    peer.requests.recoverAll((index, block) => picker.active.get(index)?.ask(block, now))
  }

  function rejected(peer: Peer, index: number, begin: number): void {
    if (answered(peer, index, begin / BLOCK_BYTES) < 0) {
      if (peer.credit-- <= 0) throw new WireError('a reject of what nobody asked for')
      return
    }
    if (!peer.peerChoking) peer.rights.refused(index)
    asking.changed()
    asking.askAll()
  }

  return { blockStart, blockEnd, rejected }
}
