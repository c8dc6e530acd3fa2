/**
 * Who may count on which part of the free disk.
 *
 * Uploads that run at the same time reserve what they will need, so that they cannot all be let
 * in to the same last gigabyte. What an upload has already written has left the free disk and is
 * no longer counted. An upload of unknown length reserves a step ahead of itself.
 */
import { AppError } from '../../core/errors.ts'
import { formatSize } from '../../core/units.ts'

/** Left alone for metainfo, ledgers and the other roles' state. */
const RESERVE_BYTES = 32 * 2 ** 20
const STEP_BYTES = 16 * 2 ** 20

export interface Room {
  /**
   * @param bytes of the upload; undefined when nobody knows.
   * @throws AppError STORE_FULL
   */
  reserve(bytes: number | undefined): Promise<Reservation>
}

export interface Reservation extends Disposable {
  /** So many bytes of the upload are here. @throws AppError STORE_FULL */
  advance(received: number): Promise<void>
}

interface Claim {
  /** Bytes this upload may grow to. */
  granted: number
  received: number
}

export function createRoom(freeBytes: () => Promise<number>): Room {
  const claims = new Set<Claim>()

  function promised(): number {
    let sum = 0
    for (const { granted, received } of claims) sum += Math.max(0, granted - received)
    return sum
  }

  async function check(bytes: number): Promise<void> {
    const free = (await freeBytes()) - RESERVE_BYTES
    if (bytes <= free - promised()) return
    const left = formatSize(Math.max(0, free - promised()))
    throw new AppError('STORE_FULL', `the seeder has room for ${left} more`, { retryAfter: 60 })
  }

  async function reserve(bytes: number | undefined): Promise<Reservation> {
    const claim = { granted: bytes ?? STEP_BYTES, received: 0 }
    await check(claim.granted)
    claims.add(claim)
    return {
      async advance(received) {
        claim.received = received
        while (claim.received > claim.granted) {
          await check(STEP_BYTES)
          claim.granted += STEP_BYTES
        }
      },
      [Symbol.dispose]: () => void claims.delete(claim)
    }
  }

  return { reserve }
}
