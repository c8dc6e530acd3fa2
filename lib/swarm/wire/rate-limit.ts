/**
 * A rate that several threads keep together: a token bucket in shared memory, without a lock.
 *
 *   | i64 nanoseconds since 1970 at which the bucket is full again |
 *
 * One number says everything: a take moves that moment ahead by the time its bytes cost, and what
 * lies within the burst of *now* is there to be taken. One compare-and-exchange per take, no refill.
 * A clock that jumps forward earns one burst. The moment is never further ahead than a burst, so
 * one that is (by more than the clocks of threads differ) comes from a clock that went back, and is
 * brought back too: nobody waits for hours.
 *
 * Invariant: over any stretch of time no more than `rate x stretch + burst` bytes are granted.
 */

const BYTES = 8
const NS_PER_MS = 1_000_000n
const NS_PER_SECOND = 1_000_000_000n
/** More than threads that asked the time differ: one of them was slow to use the answer. */
const SKEW_NS = NS_PER_SECOND
/** What may leave at once after a pause: an eighth of a second, and always a block of any size. */
const BURST_SECONDS = 0.125
const MIN_BURST_BYTES = 128 * 1024

export interface RateLimit {
  /**
   * Takes up to `bytes` and says how many were granted, 0 when none are there.
   * @param now milliseconds since 1970, the same clock in every thread
   */
  take(bytes: number, now: number): number
  /** Puts back granted bytes that were not used after all. */
  giveBack(bytes: number): void
  /** Milliseconds, rounded up, until `bytes` (at most a burst of them) can be granted. */
  waitMs(bytes: number, now: number): number
}

/** No limit: everything is granted at once. */
export const UNLIMITED: RateLimit = {
  take: (bytes) => bytes,
  giveBack() {},
  waitMs: () => 0
}

/** Memory for a limit that threads share; a fresh one is a full bucket. */
export function allocateRateLimit(): SharedArrayBuffer {
  return new SharedArrayBuffer(BYTES)
}

/**
 * A view of the limit in `memory`; all views of one memory must have the same rate.
 * @param bytesPerSecond a whole number above 0
 */
export function createRateLimit(memory: SharedArrayBuffer, bytesPerSecond: number): RateLimit {
  if (!Number.isSafeInteger(bytesPerSecond) || bytesPerSecond <= 0) {
    throw new RangeError(`a rate of ${bytesPerSecond} bytes per second`)
  }
  const full = new BigInt64Array(memory, 0, 1)
  const rate = BigInt(bytesPerSecond)
  const burst = costOf(Math.max(MIN_BURST_BYTES, Math.floor(bytesPerSecond * BURST_SECONDS)))

  /** Rounded up, so that rounding never grants too much. */
  function costOf(bytes: number): bigint {
    return (BigInt(bytes) * NS_PER_SECOND + rate - 1n) / rate
  }

  /** The moment the bucket is full, as far as it matters at `nowNs`. */
  function fullAt(seen: bigint, nowNs: bigint): bigint {
    if (seen < nowNs) return nowNs
    return seen > nowNs + burst + SKEW_NS ? nowNs + burst : seen
  }

  function take(bytes: number, now: number): number {
    if (bytes <= 0) return 0
    const nowNs = nanoseconds(now)
    for (;;) {
      const seen = Atomics.load(full, 0)
      const from = fullAt(seen, nowNs)
      const there = Number(((nowNs + burst - from) * rate) / NS_PER_SECOND)
      const granted = Math.max(0, Math.min(bytes, there))
      if (granted === 0 && from === seen) return 0
      if (Atomics.compareExchange(full, 0, seen, from + costOf(granted)) === seen) return granted
    }
  }

  return {
    take,
    giveBack(bytes) {
      if (bytes > 0) Atomics.sub(full, 0, (BigInt(bytes) * NS_PER_SECOND) / rate)
    },
    waitMs(bytes, now) {
      const nowNs = nanoseconds(now)
      const cost = costOf(bytes)
      const over = fullAt(Atomics.load(full, 0), nowNs) + least(cost, burst)
      const waitNs = over - (nowNs + burst)
      return waitNs <= 0n ? 0 : Number((waitNs + NS_PER_MS - 1n) / NS_PER_MS)
    }
  }
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

function nanoseconds(milliseconds: number): bigint {
  return BigInt(Math.floor(milliseconds)) * NS_PER_MS
}
