/**
 * Which of the peers somebody names may be dialled: not ourselves, and nobody in a private network
 * unless whoever names them is in one.
 */
import { networkInterfaces } from 'node:os'
import type { InfoHash } from '../../core/info-hash.ts'
import { formatAddress, isPrivateAddress } from './address.ts'
import type { PeerAddress } from './contract.ts'

const LOCAL_HOSTS_MS = 10_000

export interface OwnAddresses {
  /** The wire port peers shall dial for a torrent. */
  readonly port: (infoHash: InfoHash) => number
  /** `host:port` under which others know us, besides the addresses of this machine. */
  readonly self?: readonly string[]
}

export type Strangers = (
  infoHash: InfoHash,
  peers: readonly { readonly host: string; readonly port: number }[],
  isNear: boolean
) => PeerAddress[]

export function createStrangers({ port, self = [] }: OwnAddresses): Strangers {
  const localHosts = rememberLocalHosts()
  return (infoHash, peers, isNear) => {
    if (peers.length === 0) return []
    const local = localHosts()
    const own = port(infoHash)
    const others = peers.filter((peer) => {
      if (peer.port === own && local.has(peer.host)) return false
      if (self.includes(formatAddress(peer.host, peer.port))) return false
      return isNear || !isPrivateAddress(peer.host)
    })
    return others.map((peer) => ({ host: peer.host, port: peer.port, class: 'stranger' }))
  }
}

/** Addresses of this machine, asked again now and then: they come and go with networks. */
function rememberLocalHosts(): () => ReadonlySet<string> {
  let hosts: ReadonlySet<string> = new Set()
  let askedAt = Number.NEGATIVE_INFINITY
  return () => {
    if (performance.now() - askedAt < LOCAL_HOSTS_MS) return hosts
    const entries = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
    hosts = new Set(entries.map(({ address }) => address))
    askedAt = performance.now()
    return hosts
  }
}
