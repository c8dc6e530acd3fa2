/**
 * One connection after the handshake: what each side said, and what is on its way.
 *
 * Turns messages into calls on its owner, the torrent, and keeps the state of the protocol (BEP 3,
 * 6, 10). Small messages are gathered and leave together at the end of the turn. Whatever a peer
 * sends, the worst that follows is the end of this connection, told once by `owner.closed`.
 */
import { formatAddress } from '../address.ts'
import type { PeerClass } from '../contract.ts'
import { AskingRights } from './asking-rights.ts'
import {
  OUR_EXTENSIONS,
  parseExtensionHandshake,
  type TheirExtensions
} from './extension-handshake.ts'
import {
  createFrameParser,
  type FrameHandler,
  type FrameLimits,
  type FrameParser
} from './frame-parser.ts'
import type { TheirHandshake } from './handshake.ts'
import { createOutbox, type Outbox } from './outbox.ts'
import type { PeerIdentity } from './peer-identity.ts'
import { NOBODY, type PeerOwner } from './peer-owner.ts'
import { MAX_UNSETTLED_BYTES, PeerPieces } from './peer-pieces.ts'
import type { PeerStream } from './peer-stream.ts'
import type { PieceInFlight } from './piece-in-flight.ts'
import { RequestPace } from './request-pace.ts'
import { RequestQueue } from './request-queue.ts'
import type { PeerUploads } from './uploads.ts'
import { WireError } from './wire-error.ts'

const MAX_EXTENDED_BYTES = 128 * 1024
const MAX_BLOCK_BYTES = 128 * 1024
/** Unsent bytes at which a peer is taken for one that does not read. */
const MAX_UNSENT_BYTES = 8 * 2 ** 20
/** What is sent before anybody asks, and asked again: extension handshakes, of which few are due. */
const MAX_EXTENSION_HANDSHAKES = 16

export class Peer implements FrameHandler {
  readonly stream: PeerStream
  readonly serial: number
  readonly ourId: Uint8Array
  readonly their: TheirHandshake
  readonly dialled: string | undefined
  /** `host:port` of the other end of the connection. */
  readonly address: string
  readonly outbox: Outbox = createOutbox()
  readonly requests = new RequestQueue()
  readonly pieces: PeerPieces
  /** Milliseconds, like all that end in `At`. */
  readonly openedAt = Date.now()
  readonly pace = new RequestPace(this.openedAt)
  peerClass: PeerClass
  /** It proved to be a node of our fleet, this one. */
  node: string | undefined
  extensions: TheirExtensions | undefined
  uploads: PeerUploads | undefined
  amChoking = true
  amInterested = false
  peerChoking = true
  peerInterested = false
  readonly rights = new AskingRights()
  slow = false
  /** It gave nothing for a while though it was asked. */
  silent = false
  /** The block that is arriving, and the piece it is written into. */
  arrival: { readonly piece: PieceInFlight; readonly block: number } | undefined
  receivedAt = this.openedAt
  sentAt = this.openedAt
  progressedAt = this.openedAt
  uploadedBytes = 0
  /** 0 before the first. */
  uploadedAt = 0
  toldPieces = false
  downloadedBytes = 0
  /** Blocks that may still come though nobody waits for them. */
  credit = 0
  /** The state of the torrent in which nothing was found to ask of this peer. */
  dryAt = -1
  readonly #limits: FrameLimits
  readonly #parser: FrameParser
  #owner: PeerOwner
  #flushing = false
  #handshakes = 0

  constructor(
    stream: PeerStream,
    identity: PeerIdentity,
    owner: PeerOwner,
    pieceCount: number | undefined
  ) {
    this.stream = stream
    this.serial = identity.serial
    this.ourId = identity.ourId
    this.their = identity.their
    this.dialled = identity.dialled
    this.peerClass = identity.peerClass
    this.address = formatAddress(stream.host, stream.port)
    this.pieces = new PeerPieces(pieceCount)
    this.#owner = owner
    this.#limits = {
      maxBitfieldBytes: pieceCount === undefined ? MAX_UNSETTLED_BYTES : Math.ceil(pieceCount / 8),
      maxExtendedBytes: MAX_EXTENDED_BYTES,
      maxBlockBytes: MAX_BLOCK_BYTES
    }
    this.#parser = createFrameParser(this, this.#limits)
  }

  /** Both sides speak BEP 6. */
  get fast(): boolean {
    return this.their.fast
  }

  get closed(): boolean {
    return this.#owner === NOBODY
  }

  /** The peer wants nothing any more: it has everything, or says that it only uploads (BEP 21). */
  get finished(): boolean {
    return this.pieces.all || this.extensions?.uploadOnly === true
  }

  /** The metainfo came: what the peer said of its pieces is checked. Closes it if it was wrong. */
  settle(pieceCount: number): void {
    try {
      this.#limits.maxBitfieldBytes = Math.ceil(pieceCount / 8)
      this.pieces.settle(pieceCount)
    } catch (err) {
      this.fail(err)
    }
  }

  /** Bytes from the stream. */
  receive(bytes: Uint8Array): void {
    if (this.closed) return
    const now = Date.now()
    const wasArriving = this.arrival !== undefined
    this.receivedAt = now
    try {
      this.#parser.push(bytes)
      if (wasArriving || this.arrival !== undefined) this.progressedAt = now
    } catch (err) {
      this.fail(err)
    }
  }

  /** The block that is arriving goes nowhere any more. */
  abandonBlock(): void {
    this.arrival?.piece.abandon(this.arrival.block)
    this.arrival = undefined
    this.#parser.abandonBlock()
  }

  /** Sends what is in the outbox at the end of this turn, with what else joins it. */
  flushSoon(): void {
    if (this.#flushing || this.closed) return
    this.#flushing = true
    queueMicrotask(() => this.#flush())
  }

  /** Sends a message of an extension the peer has; false if it has not. */
  sendExtended(name: keyof typeof OUR_EXTENSIONS, payload: Uint8Array): boolean {
    const id = this.extensions?.m[name]
    if (id === undefined || id === 0) return false
    this.outbox.extended(id, payload)
    this.flushSoon()
    return true
  }

  fail(err: unknown): void {
    if (err instanceof WireError) this.close(err.message)
    else this.close(`our fault: ${err instanceof Error ? err.stack : String(err)}`)
  }

  /** Ends the connection; the owner hears of it before this returns. May be called twice. */
  close(reason: string): void {
    if (this.closed) return
    const owner = this.#owner
    this.#owner = NOBODY
    this.#parser.stop()
    this.stream.destroy()
    this.uploads?.close()
    owner.closed(this, reason)
  }

  keepAlive(): void {}

  choke(): void {
    if (this.peerChoking) return
    this.peerChoking = true
    this.#owner.turned(this)
  }

  unchoke(): void {
    if (!this.peerChoking) return
    this.peerChoking = false
    this.#owner.turned(this)
  }

  interested(): void {
    if (this.peerInterested) return
    this.peerInterested = true
    this.#owner.interested(this)
  }

  notInterested(): void {
    if (!this.peerInterested) return
    this.peerInterested = false
    this.#owner.interested(this)
  }

  have(index: number): void {
    if (this.pieces.add(index)) this.#owner.gained(this, index)
  }

  bitfield(bytes: Uint8Array): void {
    this.pieces.setBits(bytes)
    this.#owner.gained(this, undefined)
  }

  haveAll(): void {
    this.pieces.setAll()
    this.#owner.gained(this, undefined)
  }

  haveNone(): void {
    this.pieces.setNone()
    this.#owner.gained(this, undefined)
  }

  request(index: number, begin: number, length: number): void {
    this.#owner.requested(this, index, begin, length)
  }

  cancel(index: number, begin: number, length: number): void {
    this.uploads?.cancel(index, begin, length)
  }

  blockStart(index: number, begin: number, length: number): Uint8Array | undefined {
    return this.#owner.blockStart(this, index, begin, length)
  }

  blockEnd(index: number, begin: number): void {
    this.progressedAt = this.receivedAt
    this.#owner.blockEnd(this, index, begin)
  }

  reject(index: number, begin: number): void {
    this.#owner.rejected(this, index, begin)
  }

  /** BEP 6: a hint we do not follow; readers decide. */
  suggest(): void {}

  allowedFast(index: number): void {
    if (this.rights.allowed(index)) this.#owner.turned(this)
  }

  /** BEP 5: the DHT learns of nodes elsewhere. */
  port(): void {}

  extended(id: number, payload: Uint8Array): void {
    if (id === 0) this.#introduce(payload)
    else if (id === OUR_EXTENSIONS.ut_metadata) this.#owner.extended(this, 'ut_metadata', payload)
    else if (id === OUR_EXTENSIONS.ut_pex) this.#owner.extended(this, 'ut_pex', payload)
    else if (id === OUR_EXTENSIONS.sg_fleet) this.#owner.extended(this, 'sg_fleet', payload)
    else if (id === OUR_EXTENSIONS.lt_donthave) this.#dontHave(payload)
  }

  unknown(): void {}

  #introduce(payload: Uint8Array): void {
    if (++this.#handshakes > MAX_EXTENSION_HANDSHAKES) {
      throw new WireError('too many extension handshakes')
    }
    this.extensions = parseExtensionHandshake(payload, this.extensions)
    if (this.extensions.reqq !== undefined) this.pace.limit(this.extensions.reqq)
    this.#owner.introduced(this)
  }

  /** BEP 54. */
  #dontHave(payload: Uint8Array): void {
    if (payload.byteLength !== 4) return
    const index = new DataView(payload.buffer, payload.byteOffset).getUint32(0)
    if (this.pieces.remove(index)) this.#owner.lost(this, index)
  }

  #flush(): void {
    this.#flushing = false
    if (this.closed) return
    if (this.stream.unsentBytes > MAX_UNSENT_BYTES) this.close('it does not read')
    const bytes = this.outbox.take()
    if (bytes === undefined || this.closed) return
    this.sentAt = Date.now()
    this.stream.write(bytes)
  }
}
