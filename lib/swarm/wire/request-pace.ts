/**
 * How many blocks a peer is asked for ahead: enough to fill the line, not more than it needs.
 *
 * Starts small and grows by a block for each that comes, as TCP's window does, until the rate stops
 * growing. Then it follows the bandwidth-delay product, with time to spare for a peer that reads
 * its disk in large steps.
 */
import { BLOCK_BYTES, MAX_OUTSTANDING } from './request-queue.ts'

const FIRST_DEPTH = 64
const LEAST_DEPTH = 16
/** Added to the round trip: disk, scheduling, batching on both sides. */
const SLACK_MS = 60
const GROWTH = 1.1
/** A round trip measured long ago may have been on another path. */
const FORGET_MS = 30_000

export class RequestPace {
  #depth = FIRST_DEPTH
  #growing = true
  #limit = MAX_OUTSTANDING
  #rate = 0
  #tripMs = Number.POSITIVE_INFINITY
  #trippedAt = 0
  #bytes = 0
  #measuredAt: number

  /** @param now milliseconds */
  constructor(now: number) {
    this.#measuredAt = now
  }

  /** Blocks to have asked for at once. */
  get depth(): number {
    return Math.min(this.#depth, this.#limit)
  }

  /** Bytes per second of the last half second. */
  get rate(): number {
    return this.#rate
  }

  /** The peer told how many requests it takes (`reqq`, BEP 10). */
  limit(requests: number): void {
    this.#limit = Math.max(1, Math.min(MAX_OUTSTANDING, requests))
  }

  /** A block came. @param tripMs from its request to its end */
  block(bytes: number, tripMs: number, now: number): void {
    this.#bytes += bytes
    if (tripMs < this.#tripMs || now - this.#trippedAt > FORGET_MS) {
      this.#tripMs = tripMs
      this.#trippedAt = now
    }
    if (this.#growing && this.#depth < MAX_OUTSTANDING) this.#depth++
  }

  /** About every half second. @param busy the peer was asked for blocks all the time */
  tick(now: number, busy: boolean): void {
    const elapsedMs = now - this.#measuredAt
    if (elapsedMs < 400) return
    const rate = (this.#bytes * 1000) / elapsedMs
    if (this.#growing && busy && this.#rate > 0 && rate < this.#rate * GROWTH) this.#growing = false
    this.#rate = rate
    this.#bytes = 0
    this.#measuredAt = now
    if (!this.#growing && busy) this.#depth = this.#product()
  }

  #product(): number {
    const tripMs = Number.isFinite(this.#tripMs) ? this.#tripMs : SLACK_MS
    const bytes = (this.#rate * (2 * tripMs + SLACK_MS)) / 1000
    return Math.max(LEAST_DEPTH, Math.min(MAX_OUTSTANDING, Math.ceil(bytes / BLOCK_BYTES)))
  }
}
