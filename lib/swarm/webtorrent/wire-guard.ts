/**
 * What makes bittorrent-protocol's `Wire` safe against a hostile peer: patches on its prototype.
 *
 * Guarantees: an exception while a message is handled costs that connection and nothing else; a
 * message is at most 256 KiB; bytes that a peer does not read are bounded; blocks nobody asked for,
 * pieces that do not exist and bitfields of a wrong length are not passed on; requests go to our
 * upload queue and never to the package; what a peer sends along with its handshake waits until
 * webtorrent listens, which would miss it or disconnect. Applied once per thread, before the first connection.
 * The plain `Wire` is crashed or flooded by each of these.
 */
import Wire from 'bittorrent-protocol'
import type { UploadQueue } from './upload-queue.ts'

const MAX_MESSAGE_BYTES = 256 * 1024
const DEFAULT_MAX_UNSENT = 4 * 2 ** 20

/** Sizes the parser waits for, and never gets, while nothing may be parsed. */
const DROPPED = Number.MAX_SAFE_INTEGER
const HELD = Number.MAX_SAFE_INTEGER - 1

/** What is known of a wire once its torrent is. */
export interface WireLimits {
  readonly pieceCount: number | undefined
  /** Undefined: every request is ignored. */
  readonly uploads: UploadQueue | undefined
  /** Bytes that may wait to be sent before the peer counts as one that never reads. */
  readonly maxUnsent: number
}

export interface WireGuard {
  limit(wire: Wire, limits: WireLimits): void
}

const INSTALLED = Symbol('wire guard')
type Guarded = Wire & { [INSTALLED]?: WireGuard }

/** Guards every wire of this thread; calling it again gives the same guard. */
export function guardWires(): WireGuard {
  const prototype: Guarded = Wire.prototype
  prototype[INSTALLED] ??= install(Wire.prototype)
  return prototype[INSTALLED]
}

/** Ends a connection at once: nothing more that came from the peer is parsed. */
export function dropWire(wire: Wire): void {
  wire._parse(DROPPED, () => {})
  wire._buffer = []
  wire._bufferSize = 0
  wire.destroy()
}

function install(prototype: Wire): WireGuard {
  const limits = new WeakMap<Wire, WireLimits>()
  guardParsing(prototype)
  guardHandshake(prototype)
  guardSending(prototype, limits)
  guardPieces(prototype, limits)
  return { limit: (wire, bounds) => void limits.set(wire, bounds) }
}

function guardParsing(prototype: Wire): void {
  const { _onMessageLength, _onMessage } = prototype

  /** The package joins all waiting chunks for every chunk; here only once enough have come. */
  prototype._write = function (this: Wire, bytes, callback) {
    if (this._parserSize !== DROPPED) {
      this._buffer.push(bytes)
      this._bufferSize += bytes.length
      if (this._parserSize !== HELD) processBuffer(this)
      else if (this._bufferSize > MAX_MESSAGE_BYTES) dropWire(this)
    }
    callback(null)
  }

  prototype._onMessageLength = function (this: Wire, bytes) {
    const length = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0)
    if (length > MAX_MESSAGE_BYTES) dropWire(this)
    else _onMessageLength.call(this, bytes)
  }

  prototype._onMessage = function (this: Wire, bytes) {
    orDrop(this, () => _onMessage.call(this, bytes))
  }
}

function processBuffer(wire: Wire): void {
  if (wire._bufferSize < wire._parserSize) return
  if (wire._buffer.length > 1) wire._buffer = [Buffer.concat(wire._buffer, wire._bufferSize)]
  wire._processBuffer()
}

/** Both handshakes are done before a message is parsed, and webtorrent has had a turn to listen. */
function guardHandshake(prototype: Wire): void {
  const { _onHandshakeBuffer, handshake } = prototype

  prototype._onHandshakeBuffer = function (this: Wire, bytes) {
    orDrop(this, () => _onHandshakeBuffer.call(this, bytes))
    if (this._parserSize === DROPPED) return
    this._parse(HELD, () => {})
    if (this._handshakeSent) setImmediate(release, this)
  }

  prototype.handshake = function (this: Wire, infoHash, peerId, extensions) {
    handshake.call(this, infoHash, peerId, extensions)
    if (this._parserSize === HELD) setImmediate(release, this)
  }
}

function release(wire: Wire): void {
  if (wire._parserSize !== HELD) return
  wire._parse(4, wire._onMessageLength)
  processBuffer(wire)
}

function orDrop(wire: Wire, handle: () => void): void {
  try {
    handle()
  } catch {
    dropWire(wire)
  }
}

function guardSending(prototype: Wire, limits: WeakMap<Wire, WireLimits>): void {
  const { _push } = prototype

  prototype._push = function (this: Wire, bytes) {
    const { maxUnsent } = limits.get(this) ?? { maxUnsent: DEFAULT_MAX_UNSENT }
    if (this._readableState.buffered <= maxUnsent) return _push.call(this, bytes)
    dropWire(this)
    return false
  }

  prototype._onRequest = function (this: Wire, index, offset, length) {
    limits.get(this)?.uploads?.add(index, offset, length)
  }
}

function guardPieces(prototype: Wire, limits: WeakMap<Wire, WireLimits>): void {
  const { _onPiece, _onHave, _onBitField, _onHaveAll } = prototype

  /** A block that was not asked for (any more) is dropped before anybody counts it. */
  prototype._onPiece = function (this: Wire, index, offset, bytes) {
    const asked = this.requests.some(
      (request) =>
        request.piece === index && request.offset === offset && request.length === bytes.length
    )
    if (asked) _onPiece.call(this, index, offset, bytes)
  }

  prototype._onHave = function (this: Wire, index) {
    const count = limits.get(this)?.pieceCount
    if (index < 0 || (count !== undefined && index >= count)) dropWire(this)
    else _onHave.call(this, index)
  }

  prototype._onBitField = function (this: Wire, bytes) {
    const count = limits.get(this)?.pieceCount
    if (count !== undefined && bytes.length !== Math.ceil(count / 8)) dropWire(this)
    else _onBitField.call(this, bytes)
  }

  /** Have-all becomes a bitfield of ones, so that a later "don't have" can clear a bit of it. */
  prototype._onHaveAll = function (this: Wire) {
    const count = limits.get(this)?.pieceCount
    if (!this.hasFast || count === undefined) return _onHaveAll.call(this)
    const ones = new Uint8Array(Math.ceil(count / 8)).fill(0xff)
    if (count % 8 !== 0) ones[ones.length - 1] = (0xff00 >> (count % 8)) & 0xff
    _onBitField.call(this, ones)
  }
}
