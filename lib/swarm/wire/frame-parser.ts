/**
 * The peer wire's messages (BEP 3, 6, 10), cut out of a byte stream whose chunks end anywhere.
 *
 * Guarantees: the bytes of a block go from the chunk straight into the array that the handler gave
 * for them; nothing else is copied unless a chunk ends in the middle of it. A length is checked
 * when it is read, before any memory is used for it, and memory for a body grows with the bytes
 * that came. However the stream is chopped, the handler sees the same calls.
 * Not its job: what a message means, and whether it may come now.
 *
 *     length(4) id(1) body ...              id 7: index(4) begin(4) block ...
 *     'prefix'        'body'|'skip'               'body'            'block'
 */
import { type FrameHandler, KINDS, u32 } from './frame-handler.ts'
import { MESSAGE_ID } from './message-id.ts'
import { WireError } from './wire-error.ts'

export type { FrameHandler }

export interface FrameLimits {
  /** May be changed at any time; the next message counts. */
  maxBitfieldBytes: number
  maxExtendedBytes: number
  maxBlockBytes: number
}

/** What no message of any kind may exceed. */
const MAX_FRAME_BYTES = 2 ** 20
/** Room for a split body to begin with; it doubles as bytes come. */
const FIRST_GATHER_BYTES = 64
const BLOCK_HEAD_BYTES = 8

type Phase = 'prefix' | 'body' | 'block' | 'skip' | 'over'

export class FrameParser {
  readonly #handler: FrameHandler
  readonly #limits: FrameLimits
  #phase: Phase = 'prefix'
  /** Of the prefix: bytes read, and the length as far as it was. */
  #prefixHave = 0
  #length = 0
  #id = 0
  /** Bytes still missing of the body, the block, or what is skipped. */
  #left = 0
  /** The part of a split body that came. */
  #gathered: Buffer | undefined
  #have = 0
  /** The block that is arriving, and where to. */
  #index = 0
  #begin = 0
  #blockBytes = 0
  #target: Uint8Array | undefined

  constructor(handler: FrameHandler, limits: FrameLimits) {
    this.#handler = handler
    this.#limits = limits
  }

  /**
   * Reads the next bytes of the stream. Throws `WireError` for what breaks the protocol, and
   * whatever a handler throws; after that, and after `stop`, bytes are dropped unread.
   * @param bytes may be used again when the call is over
   */
  push(bytes: Uint8Array): void {
    const end = bytes.byteLength
    let at = 0
    try {
      while (at < end && this.#phase !== 'over') at = this.#step(bytes, at, end)
    } catch (error) {
      this.stop()
      throw error
    }
  }

  /** The rest of the block that is arriving is dropped and its `blockEnd` never comes. */
  abandonBlock(): void {
    this.#target = undefined
  }

  /** No handler is called any more, also when a handler calls this. */
  stop(): void {
    this.#phase = 'over'
    this.#target = undefined
    this.#gathered = undefined
  }

  /** Takes bytes from `at` on; the answer is where the next step begins, past `at`. */
  #step(bytes: Uint8Array, at: number, end: number): number {
    if (this.#phase === 'prefix') return this.#prefix(bytes, at, end)
    const stop = Math.min(end, at + this.#left)
    this.#left -= stop - at
    if (this.#phase === 'body') this.#body(bytes, at, stop)
    else if (this.#phase === 'block') this.#block(bytes, at, stop)
    else if (this.#left === 0) this.#next()
    return stop
  }

  #prefix(bytes: Uint8Array, from: number, end: number): number {
    let at = from
    while (this.#prefixHave < 4) {
      if (at === end) return at
      this.#length = this.#length * 256 + (bytes[at++] ?? 0)
      this.#prefixHave++
    }
    if (this.#length > MAX_FRAME_BYTES) throw new WireError('message of more than 1 MiB')
    if (this.#length === 0) {
      this.#next()
      this.#handler.keepAlive()
    } else if (at < end) {
      this.#open(bytes[at++] ?? 0, this.#length - 1)
    }
    return at
  }

  /** The next byte is the first of a length. */
  #next(): void {
    this.#phase = 'prefix'
    this.#prefixHave = 0
    this.#length = 0
  }

  /** A message's id has come: is it what it may be, and where does its body go. */
  #open(id: number, bytes: number): void {
    this.#id = id
    const known = this.#checkLength(id, bytes)
    this.#phase = known ? 'body' : 'skip'
    this.#left = id === MESSAGE_ID.piece ? BLOCK_HEAD_BYTES : bytes
    this.#blockBytes = bytes - BLOCK_HEAD_BYTES
    if (bytes === 0) this.#next()
    if (!known) this.#handler.unknown(id, bytes)
    else if (bytes === 0) KINDS[id]?.call(this.#handler, NOTHING, 0, 0)
  }

  /** False for an id we do not know; throws `WireError` for a length that it cannot have. */
  #checkLength(id: number, bytes: number): boolean {
    const fixed = KINDS[id]?.bytes
    if (fixed !== undefined) {
      if (bytes !== fixed) throw new WireError('message of a wrong length')
    } else if (id === MESSAGE_ID.piece) {
      if (bytes <= BLOCK_HEAD_BYTES) throw new WireError('block without bytes')
      if (bytes - BLOCK_HEAD_BYTES > this.#limits.maxBlockBytes) throw new WireError('long block')
    } else if (id === MESSAGE_ID.bitfield) {
      if (bytes > this.#limits.maxBitfieldBytes) throw new WireError('bitfield of a wrong length')
    } else if (id === MESSAGE_ID.extended) {
      if (bytes === 0) throw new WireError('extension message without an id')
      if (bytes - 1 > this.#limits.maxExtendedBytes) throw new WireError('long extension message')
    } else {
      return false
    }
    return true
  }

  /** Delivers a body that lies in one chunk as it is; one that does not is put together first. */
  #body(bytes: Uint8Array, at: number, stop: number): void {
    if (this.#left > 0 || this.#have > 0) this.#gather(bytes, at, stop)
    if (this.#left > 0) return
    const gathered = this.#gathered
    const have = this.#have
    this.#have = 0
    this.#gathered = undefined
    if (this.#id === MESSAGE_ID.piece) this.#openBlock(gathered ?? bytes, have > 0 ? 0 : at)
    else {
      this.#next()
      if (gathered === undefined) KINDS[this.#id]?.call(this.#handler, bytes, at, stop)
      else KINDS[this.#id]?.call(this.#handler, gathered, 0, have)
    }
  }

  #gather(bytes: Uint8Array, at: number, stop: number): void {
    const have = this.#have + stop - at
    let buffer = this.#gathered
    if (buffer === undefined || have > buffer.length) {
      let length = FIRST_GATHER_BYTES
      while (length < have) length *= 2
      buffer = Buffer.allocUnsafe(Math.min(length, have + this.#left))
      if (this.#gathered !== undefined) buffer.set(this.#gathered)
      this.#gathered = buffer
    }
    buffer.set(bytes.subarray(at, stop), this.#have)
    this.#have = have
  }

  #openBlock(bytes: Uint8Array, at: number): void {
    this.#phase = 'block'
    this.#left = this.#blockBytes
    this.#index = u32(bytes, at)
    this.#begin = u32(bytes, at + 4)
    const target = this.#handler.blockStart(this.#index, this.#begin, this.#blockBytes)
    if (target !== undefined && target.byteLength !== this.#blockBytes) {
      throw new RangeError('the place of a block is not as long as the block')
    }
    if (this.#phase === 'block') this.#target = target
  }

  #block(bytes: Uint8Array, at: number, stop: number): void {
    const target = this.#target
    if (target !== undefined) {
      target.set(bytes.subarray(at, stop), this.#blockBytes - this.#left - (stop - at))
    }
    if (this.#left > 0) return
    this.#target = undefined
    this.#next()
    if (target !== undefined) this.#handler.blockEnd(this.#index, this.#begin, this.#blockBytes)
  }
}

/** A parser at the start of a stream, behind the handshake. */
export function createFrameParser(handler: FrameHandler, limits: FrameLimits): FrameParser {
  return new FrameParser(handler, limits)
}

const NOTHING = new Uint8Array(0)
