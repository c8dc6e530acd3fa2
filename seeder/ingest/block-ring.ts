/**
 * The memory of one upload: a fixed ring of blocks that two threads can see.
 *
 * A block is filled by the main thread, then written to disk and hashed by a worker at the same
 * time, and is free again when both are done. When no block is free the sender has to wait: that
 * is the back-pressure of an upload, and the bound of its memory.
 */

/** Bytes of a block: large enough that a disk job and a message per block cost nothing. */
export const BLOCK_BYTES = 2 ** 20
const BLOCKS = 8

/** One block; `start` is its place in the ring's memory. */
export interface Block {
  readonly start: number
  readonly bytes: Buffer
}

export interface BlockRing {
  readonly memory: SharedArrayBuffer
  /** A free block. Rejects with the signal's reason. One taker at a time. */
  take(signal: AbortSignal): Promise<Block>
  give(block: Block): void
}

/** @param expectedBytes size of the upload, if known: a small one gets fewer blocks. */
export function createBlockRing(expectedBytes = Number.POSITIVE_INFINITY): BlockRing {
  const count = Math.min(BLOCKS, Math.max(1, Math.ceil(expectedBytes / BLOCK_BYTES)))
  const memory = new SharedArrayBuffer(count * BLOCK_BYTES)
  const free: Block[] = Array.from({ length: count }, (_, index) => {
    const start = index * BLOCK_BYTES
    return { start, bytes: Buffer.from(memory, start, BLOCK_BYTES) }
  })
  let taker: ((block: Block) => void) | undefined

  async function take(signal: AbortSignal): Promise<Block> {
    signal.throwIfAborted()
    const block = free.pop()
    if (block !== undefined) return block
    const { promise, resolve, reject } = Promise.withResolvers<Block>()
    const onAbort = () => {
      taker = undefined
      reject(signal.reason)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    taker = (given) => {
      signal.removeEventListener('abort', onAbort)
      resolve(given)
    }
    return promise
  }

  function give(block: Block): void {
    const waiting = taker
    taker = undefined
    if (waiting === undefined) free.push(block)
    else waiting(block)
  }

  return { memory, take, give }
}
