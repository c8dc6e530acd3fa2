/** Proofs of fleet nodes on the connections of one torrent: ours given, theirs checked. */
import type { InfoHash } from '../../../core/info-hash.ts'
import type { FleetIdentity } from '../contract.ts'
import type { NodeClaim } from './extension-handshake.ts'
import { proveNode, verifyNode } from './fleet-proof.ts'
import type { Peer } from './peer.ts'

/** What we say of ourselves to this peer; undefined on a node that has no fleet. */
export function ourClaim(
  fleet: FleetIdentity | undefined,
  infoHash: InfoHash,
  peer: Peer
): NodeClaim | undefined {
  if (fleet === undefined) return undefined
  const { secret, nodeId, role, wire } = fleet
  const senderPeerId = peer.ourId
  const receiverPeerId = peer.their.peerId
  const proof = proveNode({ secret, infoHash, senderPeerId, receiverPeerId, nodeId, role })
  return { id: nodeId, role, proof, wire }
}

/** What the peer says of itself, if it is true. */
export function provenClaim(
  fleet: FleetIdentity | undefined,
  infoHash: InfoHash,
  peer: Peer
): NodeClaim | undefined {
  const claim = peer.extensions?.node
  if (fleet === undefined || claim === undefined) return undefined
  const connection = {
    secret: fleet.secret,
    infoHash,
    senderPeerId: peer.their.peerId,
    receiverPeerId: peer.ourId,
    nodeId: claim.id,
    role: claim.role
  }
  return verifyNode(connection, claim.proof) ? claim : undefined
}
