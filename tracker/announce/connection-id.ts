/**
 * Connection ids of the UDP tracker (BEP 15): proof that a client receives at the address it
 * sends from, without keeping anything about it.
 *
 *   id:  | when issued (2 bytes, steps of 16 s) | keyed hash of that and the address (6 bytes) |
 *
 * BEP 15 lets clients use an id for one minute and us refuse it after two. Real clients reuse
 * theirs for much longer, and refusing them only makes them ask twice; ten minutes are safe too.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Address } from './address.ts'

const STEP_MS = 16_000
const STEPS = 2 ** 16
const VALID_MS = 10 * 60_000

export class ConnectionIds {
  readonly #key = randomBytes(32)
  readonly #now: () => number

  /** @param now milliseconds of a clock that never goes back */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Eight bytes for this address. */
  issue(address: Address): Buffer {
    return this.#id(address, this.#step())
  }

  verify(id: Buffer, address: Address): boolean {
    const step = id.readUInt16BE(0)
    const age = (this.#step() - step + STEPS) % STEPS
    return age * STEP_MS <= VALID_MS && timingSafeEqual(id, this.#id(address, step))
  }

  #step(): number {
    return Math.floor(this.#now() / STEP_MS) % STEPS
  }

  #id(address: Address, step: number): Buffer {
    const id = Buffer.alloc(8)
    id.writeUInt16BE(step)
    const hash = createHmac('sha256', this.#key).update(id.subarray(0, 2)).update(address.bytes)
    hash.digest().copy(id, 2, 0, 6)
    return id
  }
}
