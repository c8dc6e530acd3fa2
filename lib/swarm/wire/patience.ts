/**
 * How often a peer may change its mind: choke and unchoke, want and not want, have all and not.
 *
 * Each change costs it a byte or two and us a look at every other peer or piece.
 */
import { WireError } from './wire-error.ts'

const BURST = 1000
const PER_SECOND = 100

export class Patience {
  #left = BURST
  /** Milliseconds. */
  #at: number

  /** @param now milliseconds */
  constructor(now: number) {
    this.#at = now
  }

  /** Throws `WireError` when it is at its end. @param now milliseconds */
  spend(now: number): void {
    this.#left = Math.min(BURST, this.#left + ((now - this.#at) * PER_SECOND) / 1000) - 1
    this.#at = now
    if (this.#left < 0) throw new WireError('changes its mind all the time')
  }
}
