/**
 * Small messages on their way out: written one after the other into one buffer, which leaves in one
 * write at the end of the turn.
 *
 * Nothing is allocated per message. There is no limit here: whoever answers a peer's messages looks
 * at `size` and at the stream's `unsentBytes`. Blocks never come this way (`uploads.ts`).
 */
import { MESSAGE_ID } from './message-id.ts'

/** What most turns need; longer turns double it. */
const FIRST_BYTES = 256

const PREFIX_BYTES = 4

export class Outbox {
  #buffer: Buffer | undefined
  #size = 0

  /** Bytes that wait for `take`. */
  get size(): number {
    return this.#size
  }

  /** Everything said since the last call, now the caller's own; undefined when that is nothing. */
  take(): Uint8Array | undefined {
    if (this.#buffer === undefined || this.#size === 0) return undefined
    const bytes = this.#buffer.subarray(0, this.#size)
    this.#buffer = undefined
    this.#size = 0
    return bytes
  }

  keepAlive(): void {
    this.#u32(this.#room(PREFIX_BYTES), 0)
  }

  choke(): void {
    this.#bare(MESSAGE_ID.choke)
  }

  unchoke(): void {
    this.#bare(MESSAGE_ID.unchoke)
  }

  interested(): void {
    this.#bare(MESSAGE_ID.interested)
  }

  notInterested(): void {
    this.#bare(MESSAGE_ID.notInterested)
  }

  have(index: number): void {
    this.#indexed(MESSAGE_ID.have, index)
  }

  /** @param bytes a bit per piece in the order of the wire; copied */
  bitfield(bytes: Uint8Array): void {
    const at = this.#open(MESSAGE_ID.bitfield, bytes.byteLength)
    this.#buffer?.set(bytes, at)
  }

  /** Offsets and lengths in bytes, here and below. */
  request(index: number, begin: number, length: number): void {
    this.#block(MESSAGE_ID.request, index, begin, length)
  }

  cancel(index: number, begin: number, length: number): void {
    this.#block(MESSAGE_ID.cancel, index, begin, length)
  }

  /** Our DHT node's UDP port (BEP 5). */
  port(port: number): void {
    const at = this.#open(MESSAGE_ID.port, 2)
    this.#buffer?.writeUInt16BE(port, at)
  }

  suggest(index: number): void {
    this.#indexed(MESSAGE_ID.suggest, index)
  }

  haveAll(): void {
    this.#bare(MESSAGE_ID.haveAll)
  }

  haveNone(): void {
    this.#bare(MESSAGE_ID.haveNone)
  }

  reject(index: number, begin: number, length: number): void {
    this.#block(MESSAGE_ID.reject, index, begin, length)
  }

  allowedFast(index: number): void {
    this.#indexed(MESSAGE_ID.allowedFast, index)
  }

  /** @param id what the peer calls the extension (BEP 10); 0 is the handshake */
  extended(id: number, payload: Uint8Array): void {
    const at = this.#open(MESSAGE_ID.extended, 1 + payload.byteLength)
    const buffer = this.#buffer
    if (buffer === undefined) return
    buffer[at] = id
    buffer.set(payload, at + 1)
  }

  #bare(id: number): void {
    this.#open(id, 0)
  }

  #indexed(id: number, index: number): void {
    this.#u32(this.#open(id, 4), index)
  }

  #block(id: number, index: number, begin: number, length: number): void {
    const at = this.#open(id, 12)
    this.#u32(at, index)
    this.#u32(at + 4, begin)
    this.#u32(at + 8, length)
  }

  /** Writes length and id; the answer is where the body goes. */
  #open(id: number, bodyBytes: number): number {
    const at = this.#room(PREFIX_BYTES + 1 + bodyBytes)
    this.#u32(at, 1 + bodyBytes)
    if (this.#buffer !== undefined) this.#buffer[at + PREFIX_BYTES] = id
    return at + PREFIX_BYTES + 1
  }

  #u32(at: number, value: number): void {
    this.#buffer?.writeUInt32BE(value, at)
  }

  /** Makes room for `bytes` more; the answer is where they go. */
  #room(bytes: number): number {
    const at = this.#size
    this.#size = at + bytes
    const old = this.#buffer
    if (old !== undefined && this.#size <= old.length) return at
    let length = old?.length ?? FIRST_BYTES
    while (length < this.#size) length *= 2
    this.#buffer = Buffer.allocUnsafe(length)
    if (old !== undefined) this.#buffer.set(old.subarray(0, at))
    return at
  }
}

export function createOutbox(): Outbox {
  return new Outbox()
}
