/**
 * The buffers that uploads are read into and sent from.
 *
 *   | header 13 | block 16384 | header 13 | block 16384 | …
 *
 * The disk fills the blocks in their places (one vectored read), headers are written into the gaps,
 * and the whole leaves in one write: no copy, and no view made per block, for the views of whole
 * blocks are there from the start. Messages of other lengths are laid out the same way, one after
 * the other, with views made for them.
 *
 * A slab is lent by its pool and given back when the stream has let go of it; a pool never has more
 * than its limit, and makes a slab only when none that came back is left.
 */

/** Length prefix, id, piece, begin (BEP 3 `piece`). */
export const HEADER_BYTES = 13
/** What everybody asks for. */
export const BLOCK_BYTES = 16 * 1024

const STRIDE = HEADER_BYTES + BLOCK_BYTES
const PIECE_MESSAGE = 7

export class UploadSlab {
  readonly #bytes: Buffer
  readonly #wholeBlocks: readonly Uint8Array[]
  readonly #pool: SlabPool
  /** Views of the blocks laid out, for the read; the same array every time. */
  readonly views: Uint8Array[] = []
  #used = 0

  /** @param blocks how many messages with a whole block fit */
  constructor(blocks: number, pool: SlabPool) {
    const bytes = Buffer.allocUnsafeSlow(blocks * STRIDE)
    this.#bytes = bytes
    this.#pool = pool
    this.#wholeBlocks = Array.from({ length: blocks }, (_, at) =>
      bytes.subarray(at * STRIDE + HEADER_BYTES, (at + 1) * STRIDE)
    )
  }

  /** Lays out one message; false, and nothing changes, when it does not fit any more. */
  add(index: number, begin: number, length: number): boolean {
    const at = this.#used
    const end = at + HEADER_BYTES + length
    if (end > this.#bytes.byteLength) return false
    this.#bytes.writeUInt32BE(HEADER_BYTES - 4 + length, at)
    this.#bytes[at + 4] = PIECE_MESSAGE
    this.#bytes.writeUInt32BE(index, at + 5)
    this.#bytes.writeUInt32BE(begin, at + 9)
    this.views.push(this.#blockView(at, length))
    this.#used = end
    return true
  }

  #blockView(at: number, length: number): Uint8Array {
    const whole = length === BLOCK_BYTES && at % STRIDE === 0
    const view = whole ? this.#wholeBlocks[at / STRIDE] : undefined
    return view ?? this.#bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length)
  }

  /** Calls `fn` for each message laid out. */
  each(fn: (index: number, begin: number, length: number) => void): void {
    for (let at = 0, nth = 0; nth < this.views.length; nth++) {
      const length = this.views[nth]?.byteLength ?? 0
      fn(this.#bytes.readUInt32BE(at + 5), this.#bytes.readUInt32BE(at + 9), length)
      at += HEADER_BYTES + length
    }
  }

  /** The messages laid out, ready to be sent once their blocks are read. */
  message(): Uint8Array {
    return this.#bytes.subarray(0, this.#used)
  }

  /** Back to the pool; the slab is no longer the caller's. */
  release(): void {
    this.views.length = 0
    this.#used = 0
    this.#pool.takeBack(this)
  }
}

export class SlabPool {
  readonly #blocks: number
  readonly #max: number
  readonly #free: UploadSlab[] = []
  #out = 0

  /** @param max slabs that may be out at a time @param blocks size of each, in whole blocks */
  constructor(max: number, blocks: number) {
    this.#max = max
    this.#blocks = blocks
  }

  /** Slabs that are lent. */
  get out(): number {
    return this.#out
  }

  /** Slabs that may still be lent. */
  get left(): number {
    return this.#max - this.#out
  }

  /** An empty slab; undefined when all are out. */
  lend(): UploadSlab | undefined {
    if (this.#out >= this.#max) return undefined
    this.#out++
    return this.#free.pop() ?? new UploadSlab(this.#blocks, this)
  }

  /** Only `UploadSlab.release` calls this. */
  takeBack(slab: UploadSlab): void {
    this.#out--
    this.#free.push(slab)
  }

  /** Lets go of the memory of slabs that are not lent. */
  trim(): void {
    this.#free.length = 0
  }
}
