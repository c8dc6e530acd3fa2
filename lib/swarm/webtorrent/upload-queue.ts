/**
 * The requests of one peer: validated, bounded, answered as fast as the peer reads.
 *
 * Guarantees: a block leaves only if the engine has its piece; at most `MAX_QUEUED` requests wait;
 * nothing more is read from the disk while `HIGH_MARK` bytes wait for the peer; a peer that takes
 * nothing for `STALL_MS` while bytes wait is dropped. What is not given is rejected (BEP 6); a peer
 * without that extension is disconnected, for it would wait for ever.
 */

import type Wire from 'bittorrent-protocol'
import type { BlockRequest } from 'bittorrent-protocol'
import { type Geometry, pieceSize } from '../../../core/geometry.ts'
import { dropWire } from './wire-guard.ts'

/** Requests a peer may have waiting; said in the extension handshake (BEP 10 `reqq`). */
export const MAX_QUEUED = 250
const MAX_BLOCK_BYTES = 128 * 1024
const HIGH_MARK = 1024 * 1024
const MAX_READS = 4
const STALL_MS = 30_000
/** A peer that is refused so many more blocks than it is sent does not understand. */
const MAX_REFUSALS = 1000

export interface UploadSource {
  readonly geometry: Geometry
  has(index: number): boolean
  /** The block, or undefined when the piece turned out not to be there. */
  read(index: number, offset: number, length: number): Promise<Uint8Array | undefined>
}

export interface UploadQueue {
  add(index: number, offset: number, length: number): void
  /** The peer has taken bytes: more may follow. */
  pump(): void
  /** Drops the peer if it has stopped reading. @param now milliseconds */
  sweep(now: number): void
}

export function createUploadQueue(wire: Wire, source: UploadSource): UploadQueue {
  const waiting: BlockRequest[] = []
  let reads = 0
  let refusals = 0
  let drainedAt = Date.now()

  function add(index: number, offset: number, length: number): void {
    if (!isBlock(source.geometry, index, offset, length)) dropWire(wire)
    else if (wire.amChoking && !wire.hasFast) return
    else if (wire.amChoking || !source.has(index) || wire.peerRequests.length >= MAX_QUEUED) {
      refuse(index, offset, length)
    } else {
      const request = { piece: index, offset, length, callback: () => {} }
      wire.peerRequests.push(request)
      waiting.push(request)
      serveWaiting()
    }
  }

  function refuse(index: number, offset: number, length: number): void {
    if (wire.hasFast && ++refusals <= MAX_REFUSALS) wire.reject(index, offset, length)
    else dropWire(wire)
  }

  function serveWaiting(): void {
    while (reads < MAX_READS && wire._readableState.buffered < HIGH_MARK) {
      const request = waiting.shift()
      if (request === undefined) return
      if (wire.peerRequests.includes(request)) void serve(request)
    }
  }

  /** A cancel, a choke or the end of the wire takes the request out of `peerRequests` meanwhile. */
  async function serve(request: BlockRequest): Promise<void> {
    const { piece, offset, length } = request
    reads++
    const bytes = await source.read(piece, offset, length).catch(() => undefined)
    reads--
    const at = wire.peerRequests.indexOf(request)
    if (at >= 0) {
      wire.peerRequests.splice(at, 1)
      if (bytes === undefined) refuse(piece, offset, length)
      else send(piece, offset, bytes)
    }
    serveWaiting()
  }

  function send(index: number, offset: number, bytes: Uint8Array): void {
    refusals = Math.max(0, refusals - 1)
    if (wire._readableState.buffered === 0) drainedAt = Date.now()
    wire.piece(index, offset, bytes)
  }

  return {
    add,
    pump() {
      drainedAt = Date.now()
      serveWaiting()
    },
    sweep(now) {
      if (wire._readableState.buffered > 0 && now - drainedAt > STALL_MS) dropWire(wire)
    }
  }
}

function isBlock(geometry: Geometry, index: number, offset: number, length: number): boolean {
  if (index < 0 || index >= geometry.pieceCount || offset < 0) return false
  return length > 0 && length <= MAX_BLOCK_BYTES && offset + length <= pieceSize(geometry, index)
}
