/**
 * A piece that is being fetched: its bytes, and who was asked for and who sent each block.
 *
 * A block is written into its place by one connection at a time; what is here is never written
 * again, so bytes that were hashed stay what they were. The hash follows the blocks from the front
 * while they are warm in the processor's cache.
 */
import { createHash } from 'node:crypto'
import { BLOCK_BYTES } from './request-queue.ts'

const MISSING = 0
const ARRIVING = 1
const HERE = 2
/** Blocks that are hashed in one go. */
const HASH_RUN = 16

export class PieceInFlight {
  readonly index: number
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly blockCount: number
  /**
   * Only this connection may be asked, the piece came wrong from several; 0: the next one that is.
   */
  solo: number | undefined
  /** Blocks that are not here and that nobody is asked for. */
  unasked: number
  readonly #state: Uint8Array
  readonly #asked: Uint8Array
  /** When the block was asked for last, or when its bytes began to come. */
  readonly #movedAt: Float64Array
  /** The connection that sends, or sent, each block. */
  readonly #senders: Uint32Array
  readonly #hash = createHash('sha1')
  #here = 0
  #arriving = 0
  #hashed = 0
  /** No unasked block lies before this one. */
  #hint = 0
  /** When a block was asked for last, in milliseconds. */
  askedAt = 0

  constructor(index: number, bytes: Uint8Array<ArrayBuffer>) {
    this.index = index
    this.bytes = bytes
    this.blockCount = Math.ceil(bytes.byteLength / BLOCK_BYTES)
    this.unasked = this.blockCount
    this.#state = new Uint8Array(this.blockCount)
    this.#asked = new Uint8Array(this.blockCount)
    this.#movedAt = new Float64Array(this.blockCount)
    this.#senders = new Uint32Array(this.blockCount)
  }

  get complete(): boolean {
    return this.#here === this.blockCount
  }

  /** Nothing has come. */
  get empty(): boolean {
    return this.#here === 0 && this.#arriving === 0
  }

  /** Nobody is asked for a block that is missing, and none is arriving. */
  get idle(): boolean {
    return this.unasked + this.#here === this.blockCount && this.#arriving === 0
  }

  /** The number of bytes of a block; the last may be short. */
  blockBytes(block: number): number {
    return Math.min(BLOCK_BYTES, this.bytes.byteLength - block * BLOCK_BYTES)
  }

  isHere(block: number): boolean {
    return this.#state[block] === HERE
  }

  /** The next block nobody is asked for, or -1. */
  nextUnasked(): number {
    if (this.unasked === 0) return -1
    for (let block = this.#hint; block < this.blockCount; block++) {
      if (this.#state[block] === HERE || this.#asked[block] !== 0) continue
      this.#hint = block
      return block
    }
    return -1
  }

  /**
   * The next block from `from` on that others, fewer than `most`, were asked for and that has not
   * begun to come since `since` (milliseconds); -1 if there is none.
   */
  nextLate(from: number, since: number, most: number): number {
    for (let block = from; block < this.blockCount; block++) {
      const asked = this.#asked[block] ?? 0
      if (this.#state[block] === HERE || asked === 0 || asked >= most) continue
      if ((this.#movedAt[block] ?? 0) <= since) return block
    }
    return -1
  }

  /** @param now milliseconds */
  ask(block: number, now: number): void {
    if (this.#asked[block] === 0 && this.#state[block] !== HERE) this.unasked--
    this.#asked[block] = (this.#asked[block] ?? 0) + 1
    if (this.#state[block] === MISSING) this.#movedAt[block] = now
    this.askedAt = now
  }

  /** One that was asked for the block will not send it, or is not counted on any more. */
  unask(block: number): void {
    const asked = this.#asked[block] ?? 0
    if (asked === 0) return
    this.#asked[block] = asked - 1
    if (asked > 1 || this.#state[block] === HERE) return
    this.unasked++
    this.#hint = Math.min(this.#hint, block)
  }

  /** How many are asked for the block now. */
  asked(block: number): number {
    return this.#asked[block] ?? 0
  }

  /**
   * Where `sender` may write the block; undefined while another does, or when it is here.
   * @param now milliseconds
   */
  open(block: number, sender: number, now: number): Uint8Array | undefined {
    if (this.#state[block] !== MISSING) return undefined
    this.#state[block] = ARRIVING
    this.#arriving++
    this.#senders[block] = sender
    this.#movedAt[block] = now
    const start = block * BLOCK_BYTES
    return this.bytes.subarray(start, start + this.blockBytes(block))
  }

  /** Who is sending the block at the moment. */
  arrivingFrom(block: number): number | undefined {
    return this.#state[block] === ARRIVING ? this.#senders[block] : undefined
  }

  /** Since when (milliseconds) the block that is arriving has been on its way. */
  arrivingSince(block: number): number {
    return this.#movedAt[block] ?? 0
  }

  /** The block did not arrive to its end. */
  abandon(block: number): void {
    if (this.#state[block] !== ARRIVING) return
    this.#state[block] = MISSING
    this.#arriving--
    if (this.#asked[block] === 0) this.#hint = Math.min(this.#hint, block)
  }

  /** The block has arrived. */
  arrived(block: number): void {
    if (this.#state[block] !== ARRIVING) return
    this.#state[block] = HERE
    this.#arriving--
    if (this.#asked[block] === 0) this.unasked--
    this.#here++
    this.#hashFront()
  }

  /** The SHA-1 of the bytes. Once, when the piece is complete. */
  digest(): Buffer {
    return this.#hash.digest()
  }

  /** The connections that sent its blocks. */
  senders(): ReadonlySet<number> {
    return new Set(this.#senders)
  }

  senderOf(block: number): number {
    return this.#senders[block] ?? 0
  }

  #hashFront(): void {
    let front = this.#hashed
    while (front < this.blockCount && this.#state[front] === HERE) front++
    if (front - this.#hashed < HASH_RUN && !this.complete) return
    const bytes = this.bytes.subarray(
      this.#hashed * BLOCK_BYTES,
      Math.min(front * BLOCK_BYTES, this.bytes.byteLength)
    )
    this.#hash.update(bytes)
    this.#hashed = front
  }
}
