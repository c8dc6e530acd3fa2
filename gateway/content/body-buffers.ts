/**
 * The memory that responses hold while their bytes are on the way, for the whole process.
 *
 * A response that gets no more grows no further; each may always have its first buffers, so that
 * nobody starves: the number of responses is bounded elsewhere. Buffers whose bytes have left are
 * used again, since making one for every request keeps the collector busy.
 */

/** Sizes are this times a power of two. */
export const FIRST_BUFFER = 64 * 1024
export const LAST_BUFFER = 1024 * 1024
/** Memory that waits for the next response at most. */
const MAX_SPARE_BYTES = 16 * 2 ** 20

export interface BodyBuffers {
  /** A buffer of `FIRST_BUFFER` bytes, even if that overdraws the budget. */
  first(): Buffer
  /** A buffer twice as large as `buffer` in its place; `buffer` itself when there is no more. */
  larger(buffer: Buffer): Buffer
  /** @param free false: the system may still look at it, so it is left to the collector. */
  give(buffer: Buffer, free: boolean): void
  readonly usedBytes: number
}

export function createBodyBuffers(limitBytes: number): BodyBuffers {
  const spare = new Map<number, Buffer[]>()
  let spareBytes = 0
  let usedBytes = 0

  function take(size: number): Buffer {
    usedBytes += size
    const used = spare.get(size)?.pop()
    if (used !== undefined) spareBytes -= size
    return used ?? Buffer.allocUnsafeSlow(size)
  }

  function give(buffer: Buffer, free: boolean): void {
    const size = buffer.byteLength
    usedBytes -= size
    if (!free || spareBytes + size > MAX_SPARE_BYTES) return
    spareBytes += size
    const shelf = spare.get(size)
    if (shelf === undefined) spare.set(size, [buffer])
    else shelf.push(buffer)
  }

  return {
    first: () => take(FIRST_BUFFER),
    larger(buffer) {
      const size = buffer.byteLength
      if (size >= LAST_BUFFER || usedBytes + size > limitBytes) return buffer
      give(buffer, true)
      return take(2 * size)
    },
    give,
    get usedBytes() {
      return usedBytes
    }
  }
}
