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
import { OUR_EXTENSIONS, parseExtensionHandshake } from './extension-handshake.ts'
import {
  createFrameParser,
  type FrameHandler,
  type FrameLimits,
  type FrameParser
} from './frame-parser.ts'
import type { TheirHandshake } from './handshake.ts'
import { Patience } from './patience.ts'
import type { PeerIdentity } from './peer-identity.ts'
import { PeerLine } from './peer-line.ts'
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
/** What is sent before anybody asks, and asked again: extension handshakes, of which few are due. */
const MAX_EXTENSION_HANDSHAKES = 16

export class Peer extends PeerLine implements FrameHandler {
  readonly serial: number
  readonly ourId: Uint8Array
  readonly their: TheirHandshake
  readonly dialled: string | undefined
  /** Another address by which the same peer is known. */
  alias: string | undefined
  /** `host:port` of the other end of the connection. */
  readonly address: string
  readonly requests = new RequestQueue()
  readonly pieces: PeerPieces
  /** Milliseconds, like all that end in `At`. */
  readonly openedAt = this.sentAt
  readonly pace = new RequestPace(this.openedAt)
  peerClass: PeerClass
  /** It proved to be a node of our fleet, this one. */
  node: string | undefined
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
  progressedAt = this.openedAt
  uploadedBytes = 0
  /** When content was last sent to it, and when it last told of a piece it got; 0: never. */
  uploadedAt = 0
  gainedAt = 0
  toldPieces = false
  downloadedBytes = 0
  /** Blocks that may still come though nobody waits for them. */
  credit = 0
  /** The state of the torrent in which nothing was found to ask of this peer. */
  dryAt = -1
  readonly #limits: FrameLimits
  readonly #parser: FrameParser
  readonly #patience: Patience
  #owner: PeerOwner
  #handshakes = 0

  constructor(
    stream: PeerStream,
    identity: PeerIdentity,
    owner: PeerOwner,
    pieceCount: number | undefined
  ) {
    super(stream, Date.now())
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
    this.#patience = new Patience(this.openedAt)
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
    this.#turn(true)
  }

  unchoke(): void {
    this.#turn(false)
  }

  interested(): void {
    this.#want(true)
  }

  notInterested(): void {
    this.#want(false)
  }

  have(index: number): void {
    if (!this.pieces.add(index)) return
    this.gainedAt = this.receivedAt
    this.#owner.gained(this, index)
  }

  bitfield(bytes: Uint8Array): void {
    this.#tell(this.pieces.setBits(bytes))
  }

  haveAll(): void {
    this.#speakFast()
    this.#tell(this.pieces.setAll())
  }

  haveNone(): void {
    this.#speakFast()
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
    this.#speakFast()
    this.#owner.rejected(this, index, begin)
  }

  /** BEP 6: a hint we do not follow; readers decide. */
  suggest(): void {
    this.#speakFast()
  }

  allowedFast(index: number): void {
    this.#speakFast()
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

  /** @param added what is new; undefined: the peer told for the first time what it has */
  #tell(added: readonly number[] | undefined): void {
    if (added === undefined) this.#owner.gained(this, undefined)
    else for (const index of added) this.have(index)
  }

  #turn(choking: boolean): void {
    if (this.peerChoking === choking) return
    this.#patience.spend(this.receivedAt)
    this.peerChoking = choking
    this.#owner.turned(this)
  }

  #want(interested: boolean): void {
    if (this.peerInterested === interested) return
    this.#patience.spend(this.receivedAt)
    this.peerInterested = interested
    this.#owner.interested(this)
  }

  /** BEP 6: only where both sides said so. */
  #speakFast(): void {
    if (!this.fast) throw new WireError('speaks BEP 6 without having said so')
  }

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
    if (this.pieces.all) this.#patience.spend(this.receivedAt)
    if (this.pieces.remove(index)) this.#owner.lost(this, index)
  }
}
