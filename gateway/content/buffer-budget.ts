/**
 * The memory that responses may hold at once, in bytes, for the whole process.
 *
 * A response that gets no more grows no further; each may always have its first buffer, so that
 * nobody starves. The number of responses is bounded elsewhere.
 */
export interface BufferBudget {
  /** Takes `bytes` from the budget if they are there. */
  tryTake(bytes: number): boolean
  /** Takes `bytes` even if that overdraws the budget: a response's first buffer. */
  take(bytes: number): void
  give(bytes: number): void
  readonly usedBytes: number
}

export function createBufferBudget(limitBytes: number): BufferBudget {
  let usedBytes = 0
  return {
    tryTake(bytes) {
      if (usedBytes + bytes > limitBytes) return false
      usedBytes += bytes
      return true
    },
    take(bytes) {
      usedBytes += bytes
    },
    give(bytes) {
      usedBytes -= bytes
    },
    get usedBytes() {
      return usedBytes
    }
  }
}
