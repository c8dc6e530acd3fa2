/** The name we go by on one connection (BEP 20). */
import { randomBytes } from 'node:crypto'

export const PEER_ID_BYTES = 20

/** Client and version: Swarmgate 0.1.0.0. */
const PREFIX = Buffer.from('-SG0100-', 'latin1')

/**
 * A new peer id: our prefix and 12 random bytes.
 *
 * Each connection gets its own, so that a fleet node's proof, which names both sides' ids, is worth
 * nothing on another connection (`fleet-proof.ts`).
 */
export function freshPeerId(): Buffer {
  return Buffer.concat([PREFIX, randomBytes(PEER_ID_BYTES - PREFIX.length)])
}
