/**
 * Which responses give way when there is no room for another: those whose clients hardly read.
 *
 * Nobody is measured while there is room: a player that pauses for an hour is welcome to its
 * connection. Looking at all responses sets a mark on each, and the rate of one is what it moved
 * since its mark, if that is a minute ago or more. So a client that once read fast and then paused
 * goes a minute after the server became full, one that never read much goes at once.
 */

/** A response as the policy sees it. */
export interface Paced {
  /** Bytes that its connection has taken so far; never falls. */
  readonly bytes: number
  /** Where its rate is counted from; set anew by `slowest`. */
  mark: Mark
}

export interface Mark {
  readonly atMs: number
  readonly bytes: number
}

export interface SheddingConfig {
  /** A rate is known over at least this long. */
  readonly windowMs: number
  /** Bytes per second; whoever reads slower may be shed. */
  readonly leastRate: number
}

/** The responses that are slower than allowed, the slowest first. */
export function slowest<T extends Paced>(
  responses: Iterable<T>,
  nowMs: number,
  { windowMs, leastRate }: SheddingConfig
): T[] {
  const slow: { readonly response: T; readonly rate: number }[] = []
  for (const response of responses) {
    const { mark, bytes } = response
    const elapsedMs = nowMs - mark.atMs
    if (elapsedMs < windowMs) continue
    const rate = ((bytes - mark.bytes) * 1000) / elapsedMs
    if (rate < leastRate) slow.push({ response, rate })
    else response.mark = { atMs: nowMs, bytes }
  }
  return slow.toSorted((a, b) => a.rate - b.rate).map(({ response }) => response)
}
