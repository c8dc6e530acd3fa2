/**
 * How a fleet node proves itself on a connection (DESIGN, "Fleet nodes prove themselves").
 *
 * The proof is a keyed hash over everything that makes this connection this one. Peer ids are fresh
 * per connection, so it is worth nothing on another; sender and receiver stand in it in order, so
 * it cannot be sent back either. Whoever relays a connection between two nodes byte by byte is not
 * found out by it: it says who speaks, not that nobody listens.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { type InfoHash, infoHashBytes } from '../../../core/info-hash.ts'

/** Keeps this use of the cluster secret apart from every other. */
const PURPOSE = 'swarmgate fleet node on the wire, 1'

export interface ProvenConnection {
  /** The cluster secret. */
  readonly secret: string
  readonly infoHash: InfoHash
  /** The peer id in the handshake of the node that proves itself. */
  readonly senderPeerId: Uint8Array
  /** The peer id in the handshake of the node that verifies. */
  readonly receiverPeerId: Uint8Array
  /** Of the node that proves itself, like its role. */
  readonly nodeId: string
  readonly role: 'seeder' | 'gateway'
}

/** 32 bytes of HMAC-SHA256. */
export function proveNode(connection: ProvenConnection): Buffer {
  const { secret, infoHash, senderPeerId, receiverPeerId, nodeId, role } = connection
  const parts = [PURPOSE, infoHashBytes(infoHash), senderPeerId, receiverPeerId, nodeId, role]
  const hmac = createHmac('sha256', secret)
  for (const part of parts) {
    // Each part behind its length: no two connections have the same input.
    const bytes = typeof part === 'string' ? Buffer.from(part) : part
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.byteLength)
    hmac.update(length).update(bytes)
  }
  return hmac.digest()
}

/** Whether `proof` is what `proveNode` makes, in a time that tells nothing. False without a secret. */
export function verifyNode(connection: ProvenConnection, proof: Uint8Array): boolean {
  if (connection.secret === '') return false
  const expected = proveNode(connection)
  return proof.byteLength === expected.byteLength && timingSafeEqual(expected, proof)
}
