/**
 * The origin sends each byte about once: gateways that fetch the same torrent share its pieces out.
 *
 * For each piece a rendezvous hash over the active gateways, ourselves included, names who takes it
 * from the seeder. The others wait for its HAVE, no longer than a piece takes, and then ask the
 * seeder themselves. With no other gateway about, everything is ours to ask.
 */
import { createHash } from 'node:crypto'

const LEAST_WAIT_MS = 150
const MOST_WAIT_MS = 2000

export interface ShareOut {
  /** The proven gateways connected in this torrent now, by node id; ourselves left out. */
  gateways(ids: readonly string[]): void
  /**
   * Whether we may ask a seeder for the piece.
   * @param now milliseconds
   * @param pieceMs how long a piece takes to come at the present rate
   */
  isOurs(index: number, now: number, pieceMs: number): boolean
  /** The piece came, or is not wanted any more. */
  forget(index: number): void
}

export function createShareOut(self: string): ShareOut {
  let others: readonly { readonly seed: number }[] = []
  const ourSeed = seedOf(self)
  /** Pieces that are another's to take, and since when we wait for them. */
  const waiting = new Map<number, number>()

  function isOtherTurn(index: number): boolean {
    const ours = mix(ourSeed, index)
    return others.some(({ seed }) => mix(seed, index) > ours)
  }

  return {
    gateways(ids) {
      others = ids.filter((id) => id !== self).map((id) => ({ seed: seedOf(id) }))
      if (others.length === 0) waiting.clear()
    },
    isOurs(index, now, pieceMs) {
      if (others.length === 0 || !isOtherTurn(index)) return true
      const since = waiting.get(index)
      if (since === undefined) waiting.set(index, now)
      const waitMs = Math.min(MOST_WAIT_MS, Math.max(LEAST_WAIT_MS, pieceMs))
      return since !== undefined && now - since > waitMs
    },
    forget: (index) => void waiting.delete(index)
  }
}

function seedOf(id: string): number {
  return createHash('sha1').update(id).digest().readUInt32BE(0)
}

/** A number that depends on every bit of both: the finaliser of a common 32-bit hash. */
function mix(seed: number, index: number): number {
  let value = (seed ^ Math.imul(index + 1, 0x9e3779b1)) >>> 0
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}
