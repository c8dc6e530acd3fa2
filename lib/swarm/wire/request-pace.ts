/**
 * How many blocks a peer is asked for ahead: enough to fill the line, not more than it needs.
 *
 * Starts small and grows by a block for each that comes, as TCP's window does, until the rate stops
 * growing. Then it follows the bandwidth-delay product, with time to spare for a peer that reads
 * its disk in large steps.
 */
import { BLOCK_BYTES, MAX_OUTSTANDING } from './request-queue.ts'

const FIRST_DEPTH = 64
const LEAST_DEPTH = 4
/** Added to the round trip: disk, scheduling, batching on both sides. */
const SLACK_MS = 60
const GROWTH = 1.1
/** A round trip measured long ago may have been on another path. */
const FORGET_MS = 30_000
const MEASURE_MS = 400
/** A peer that owes blocks and sends none for this time has no rate. */
const STILL_MS = 3000
/** What is left, per measurement, of the rate of a peer that is asked for little. */
const UNSEEN_PART = 0.75

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

  /** Bytes per second while it was asked for something, of late; 0 until that is known. */
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

  /** It refused what it was asked for: it is asked for less until it gives again. */
  refused(): void {
    this.#growing = true
    this.#depth = Math.max(1, this.#depth >> 1)
  }

  /** About ten times a second. @param waiting blocks it was asked for and has not sent */
  tick(now: number, waiting: number): void {
    const elapsedMs = now - this.#measuredAt
    if (elapsedMs < MEASURE_MS) return
    if (this.#bytes === 0 && (waiting === 0 || elapsedMs < STILL_MS)) this.#still(now, waiting)
    else this.#measure(now, waiting)
  }

  /** Nothing came: because nothing was asked for, or it takes longer than this. */
  #still(now: number, waiting: number): void {
    if (waiting === 0) this.#measuredAt = now
    else this.#rate = Math.min(this.#rate, (BLOCK_BYTES * 1000) / (now - this.#measuredAt))
  }

  #measure(now: number, waiting: number): void {
    const rate = (this.#bytes * 1000) / (now - this.#measuredAt)
    this.#bytes = 0
    this.#measuredAt = now
    // A queue that was not full tells only how much we asked for.
    const full = waiting * 2 >= this.depth
    if (!full && rate > 0) {
      this.#rate = Math.max(rate, this.#rate * UNSEEN_PART)
      return
    }
    if (this.#growing && this.#rate > 0 && rate < this.#rate * GROWTH) this.#growing = false
    this.#rate = rate
    if (!this.#growing) this.#depth = this.#product()
  }

  #product(): number {
    const tripMs = Number.isFinite(this.#tripMs) ? this.#tripMs : SLACK_MS
    const bytes = (this.#rate * (2 * tripMs + SLACK_MS)) / 1000
    return Math.max(LEAST_DEPTH, Math.min(MAX_OUTSTANDING, Math.ceil(bytes / BLOCK_BYTES)))
  }
}
