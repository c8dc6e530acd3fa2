/**
 * Where on the wire the fleet's nodes can be dialled for one torrent.
 *
 * The feed names the holders, so fleet nodes dial each other at once, without an announce and
 * also while the tracker is down.
 */
import { type InfoHash, shardOf } from '../../core/info-hash.ts'
import type { NodeId, NodeState } from '../control/control.ts'
import { parseAddress } from '../swarm/address.ts'
import type { PeerAddress, PeerClass } from '../swarm/contract.ts'

/** The wire addresses of `nodes` for a torrent, ourselves left out. */
export function wirePeers(
  infoHash: InfoHash,
  nodes: readonly NodeState[],
  self: NodeId
): PeerAddress[] {
  return nodes.flatMap((node) => {
    const address = node.wire[shardOf(infoHash, node.wire.length)]
    if (node.id === self || address === undefined) return []
    const peer = parseAddress(address)
    return peer === undefined ? [] : [{ ...peer, class: classOf(node) }]
  })
}

function classOf(node: NodeState): PeerClass {
  return node.roles.includes('seeder') ? 'seeder' : 'gateway'
}
