/** Addresses of a torrent's peers, remembered in case its thread is started again. */
import { formatAddress } from './address.ts'
import type { PeerAddress } from './contract.ts'

const MAX_KEPT_PEERS = 200

/** Both, each address once; at the limit those heard of first go. */
export function mergePeers(
  known: readonly PeerAddress[],
  more: readonly PeerAddress[]
): PeerAddress[] {
  const merged = new Map(
    [...known, ...more].map((peer) => [formatAddress(peer.host, peer.port), peer])
  )
  return [...merged.values()].slice(-MAX_KEPT_PEERS)
}
