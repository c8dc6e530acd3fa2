/** The blocks that come: each goes straight to its place, whoever sent it, and only if asked for. */
import type { Asking } from './asking.ts'
import type { Peer } from './peer.ts'
import type { Picker } from './picker.ts'
import type { PieceInFlight } from './piece-in-flight.ts'
import { BLOCK_BYTES } from './request-queue.ts'
import { WireError } from './wire-error.ts'

/** A sender that has paused for this time within a block makes way for another. */
const PAUSE_MS = 50
/** Bytes per second of a peer whose rate is not known. */
const UNKNOWN_RATE = 64 * 1024

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
  const { flight } = picker

  function blockStart(peer: Peer, index: number, begin: number, length: number) {
    const block = begin / BLOCK_BYTES
    if (!peer.requests.has(index, block)) {
      if (peer.credit-- <= 0) throw new WireError('a block nobody asked for')
      return undefined
    }
    const piece = flight.get(index)
    if (piece !== undefined && piece.blockBytes(block) !== length) {
      throw new WireError('a block of another length')
    }
    const target = piece && place(piece, block, peer)
    if (piece === undefined || target === undefined) {
      answered(peer, index, block)
      gives(peer)
      return undefined
    }
    peer.arrival = { piece, block }
    return target
  }

  function place(piece: PieceInFlight, block: number, peer: Peer): Uint8Array | undefined {
    return (
      piece.open(block, peer.serial, peer.receivedAt) ??
      (takeOver(piece, block, peer) ? piece.open(block, peer.serial, peer.receivedAt) : undefined)
    )
  }

  /** The peer has answered the request: when it was asked (milliseconds), -1 if it was not. */
  function answered(peer: Peer, index: number, block: number): number {
    const askedAt = peer.requests.take(index, block)
    if (askedAt >= 0 && !peer.requests.tookLost) flight.unask(index, block)
    return askedAt
  }

  /** Whoever sends the block at the moment makes way, if this peer will be done before it. */
  function takeOver(piece: PieceInFlight, block: number, peer: Peer): boolean {
    const other = peers.get(piece.arrivingFrom(block) ?? 0)
    if (other === undefined) return false
    const paused = peer.receivedAt - other.progressedAt >= PAUSE_MS
    if (!paused && !isSooner(piece, block, peer, other)) return false
    other.abandonBlock()
    answered(other, piece.index, block)
    return true
  }

  function isSooner(piece: PieceInFlight, block: number, peer: Peer, other: Peer): boolean {
    const bytes = piece.blockBytes(block)
    const spentMs = peer.receivedAt - piece.arrivingSince(block)
    const leftMs = timeFor(bytes, other) - spentMs
    // A sender that is overdue has no rate worth a guess.
    return leftMs < 0 || leftMs > timeFor(bytes, peer)
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
    gives(peer)
  }

  /** A silent peer's request stays: it shows when the peer gives again. */
  function cancelElsewhere(sender: Peer, piece: PieceInFlight, block: number): void {
    for (const peer of peers.values()) {
      if (peer === sender || peer.silent || answered(peer, piece.index, block) < 0) continue
      asking.cancel(peer, piece.index, block)
    }
  }

  /** An answer came, of use or not. */
  function gives(peer: Peer): void {
    peer.progressedAt = peer.receivedAt
    asking.gave(peer)
    if (peer.silent) revive(peer)
    asking.ask(peer)
  }

  /** What it was asked for is counted on anew, unless that has come from another. */
  function revive(peer: Peer): void {
    peer.silent = false
    peer.dryAt = -1
    const isUseless = (index: number) => !flight.has(index)
    peer.requests.takeIf(isUseless, (index, block) => asking.cancel(peer, index, block))
    peer.requests.recoverAll((index, block) => flight.get(index)?.ask(block, peer.receivedAt))
  }

  function rejected(peer: Peer, index: number, begin: number): void {
    if (answered(peer, index, begin / BLOCK_BYTES) < 0) {
      if (peer.credit-- <= 0) throw new WireError('a reject of what nobody asked for')
      return
    }
    if (!peer.peerChoking) {
      peer.rights.refused(index)
      peer.pace.refused()
    }
    if (peer.silent) revive(peer)
    asking.wake()
    asking.rest(peer)
  }

  return { blockStart, blockEnd, rejected }
}

/** Milliseconds. */
function timeFor(bytes: number, { pace }: Peer): number {
  return (bytes * 1000) / (pace.rate > 0 ? pace.rate : UNKNOWN_RATE)
}
