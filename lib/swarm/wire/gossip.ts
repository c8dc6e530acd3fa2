/**
 * What peers of a torrent hear from us about each other.
 *
 * Strangers: peer exchange (BEP 11), both ways, never for a private torrent, never an address of a
 * private network. The fleet: each proven node is told at once where the other proven gateways
 * listen, when one joins or leaves, for private torrents too and without any tracker.
 */
import { formatAddress, isPrivateAddress, parseAddress } from '../address.ts'
import type { PeerAddress } from '../contract.ts'
import { listeningAddress } from './dialling.ts'
import { encodeFleetMessage, parseFleetMessage } from './fleet-message.ts'
import type { Peer } from './peer.ts'
import { createPexFeed, type PexFeed, type PexPeer, parsePex } from './peer-exchange.ts'

/** A peer tells its news once a minute; what comes faster is not read. */
const HEARD_EVERY_MS = 45_000
/** How often we look whether somebody is to be told something. */
const TOLD_EVERY_MS = 1000

export interface GossipDeps {
  /** The open connections by serial. */
  readonly peers: ReadonlyMap<number, Peer>
  /** Whether strangers may hear of strangers: the torrent is known and not private. */
  readonly isPublic: () => boolean
  /** May an address that a stranger named be dialled? */
  readonly mayDial: (address: string) => boolean
  readonly introduce: (peers: readonly PeerAddress[]) => void
}

export interface Gossip {
  pex(peer: Peer, payload: Uint8Array): void
  fleet(peer: Peer, payload: Uint8Array): void
  /** A proven node joined or left. */
  fleetChanged(): void
  /** @param now milliseconds */
  tick(now: number): void
}

export function createGossip(deps: GossipDeps): Gossip {
  const { peers } = deps
  const feeds = new WeakMap<Peer, PexFeed>()
  const heardAt = new WeakMap<Peer, number>()
  let toldAt = 0

  function pexPeer(peer: Peer): PexPeer | undefined {
    const address = listeningOf(peer)
    const parsed = address === undefined ? undefined : parseAddress(address)
    if (parsed === undefined || peer.stream.transport !== 'tcp') return undefined
    if (isPrivateAddress(parsed.host)) return undefined
    return { ...parsed, seed: peer.pieces.all }
  }

  function tell(peer: Peer, all: ReadonlyMap<Peer, PexPeer>, now: number): void {
    if (!peer.extensions?.m.ut_pex) return
    const feed = feeds.get(peer) ?? createPexFeed()
    feeds.set(peer, feed)
    const message = feed.next(now, all.values(), all.get(peer))
    if (message !== undefined) peer.sendExtended('ut_pex', message)
  }

  return {
    pex(peer, payload) {
      const now = Date.now()
      if (!deps.isPublic() || now - (heardAt.get(peer) ?? 0) < HEARD_EVERY_MS) return
      heardAt.set(peer, now)
      const named = parsePex(payload).added.filter(({ host, port }) =>
        deps.mayDial(formatAddress(host, port))
      )
      deps.introduce(named.map(({ host, port }) => ({ host, port, class: 'stranger' })))
    },
    fleet(peer, payload) {
      if (peer.node === undefined) return
      const gateways = parseFleetMessage(payload)
      deps.introduce(gateways.map(({ host, port }) => ({ host, port, class: 'gateway' })))
    },
    fleetChanged() {
      const nodes = [...peers.values()].filter(({ node }) => node !== undefined)
      for (const peer of nodes) {
        const others = nodes.flatMap((other) => {
          if (other === peer || other.peerClass !== 'gateway') return []
          const address = parseAddress(listeningOf(other) ?? '')
          return address === undefined ? [] : [address]
        })
        peer.sendExtended('sg_fleet', encodeFleetMessage(others))
      }
    },
    tick(now) {
      if (now - toldAt < TOLD_EVERY_MS || peers.size < 2 || !deps.isPublic()) return
      toldAt = now
      const all = new Map<Peer, PexPeer>()
      for (const peer of peers.values()) {
        const entry = pexPeer(peer)
        if (entry !== undefined) all.set(peer, entry)
      }
      for (const peer of peers.values()) tell(peer, all, now)
    }
  }
}

/** Where the peer can be dialled: a proven node's own word counts first. */
export function listeningOf(peer: Peer): string | undefined {
  const { node, port } = peer.extensions ?? {}
  if (peer.node !== undefined && node?.wire !== undefined) return node.wire
  return listeningAddress(peer.dialled, peer.stream.host, port)
}
