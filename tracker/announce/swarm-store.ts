/**
 * All swarms of the tracker: soft state, bounded, forgotten when silent.
 *
 * Bounds: swarms, peers per swarm, peers in all. A new swarm beyond the bound is refused; a new
 * peer beyond it is answered but not listed, so that a crowd cannot push out those who are there.
 * Not its job: who may announce, and which peers are handed to whom (policy).
 */
import type { InfoHash } from '../../core/info-hash.ts'
import type { AnnounceRequest, EndpointAnnounce, SignallingAnnounce } from './announce-request.ts'
import type { Link } from './link.ts'
import { compactEntry } from './peer-table.ts'
import { Swarm } from './swarm.ts'

export interface SwarmStoreConfig {
  readonly maxSwarms: number
  readonly maxPeersPerSwarm: number
  readonly maxPeers: number
  /** Seconds of silence after which a peer is forgotten. */
  readonly peerTtlS: number
}

export type Entry = 'listed' | 'unlisted' | 'too-many-swarms' | 'peer-id-taken'

/** Peers listed in all swarms, by the way they are reached. */
export interface SwarmTotals {
  ipv4: number
  ipv6: number
  webrtc: number
}

export class SwarmStore {
  readonly totals: SwarmTotals = { ipv4: 0, ipv6: 0, webrtc: 0 }
  readonly #config: SwarmStoreConfig
  readonly #swarms = new Map<InfoHash, Swarm>()
  #sweeping: Iterator<[InfoHash, Swarm]> = this.#swarms.entries()

  constructor(config: SwarmStoreConfig) {
    this.#config = config
  }

  /** Swarms somebody was in lately. */
  get size(): number {
    return this.#swarms.size
  }

  swarm(infoHash: InfoHash): Swarm | undefined {
    return this.#swarms.get(infoHash)
  }

  /** Lists the peer, or renews and updates it. `nowS`: seconds of a clock that never goes back. */
  enter(request: AnnounceRequest, nowS: number): Entry {
    const swarm = this.#swarms.get(request.infoHash) ?? this.#open(request.infoHash)
    if (swarm === undefined) return 'too-many-swarms'
    return this.#tallied(swarm, () =>
      request.protocol === 'ws'
        ? this.#enterLink(swarm, request, nowS)
        : this.#enterEndpoint(swarm, request, nowS)
    )
  }

  /** Takes the peer out. Nothing is made for a swarm that does not exist. */
  leave(request: AnnounceRequest): void {
    const swarm = this.#swarms.get(request.infoHash)
    if (swarm === undefined) return
    this.#tallied(swarm, () => {
      if (request.protocol === 'ws') this.#leaveLink(swarm, request)
      else swarm.table(request.from.family).remove(compactEntry(request.from, request.port))
    })
  }

  /** Takes a closed link out of every swarm. */
  drop(link: Link): void {
    for (const infoHash of link.swarms) {
      const swarm = this.#swarms.get(infoHash)
      if (swarm !== undefined) this.#tallied(swarm, () => swarm.links.removeLink(link))
    }
    link.swarms.clear()
  }

  /** Forgets a swarm and all who are in it. */
  forget(infoHash: InfoHash): void {
    const swarm = this.#swarms.get(infoHash)
    if (swarm === undefined) return
    for (const peer of swarm.links) peer.link.swarms.delete(infoHash)
    this.#tally(swarm, -1)
    this.#swarms.delete(infoHash)
  }

  /**
   * Forgets silent peers and empty swarms in the next `share` (0 to 1) of all swarms; calls go
   * round, so that no single one holds up the announces.
   */
  sweep(nowS: number, share: number): void {
    const beforeS = Math.max(0, nowS - this.#config.peerTtlS)
    for (let left = Math.ceil(this.size * share); left > 0; left -= 1) {
      const next = this.#sweeping.next()
      if (next.done === true) {
        this.#sweeping = this.#swarms.entries()
        return
      }
      const [infoHash, swarm] = next.value
      this.#tallied(swarm, () => expire(infoHash, swarm, beforeS))
      if (swarm.size === 0) this.#swarms.delete(infoHash)
    }
  }

  #open(infoHash: InfoHash): Swarm | undefined {
    if (this.#swarms.size >= this.#config.maxSwarms) return undefined
    const swarm = new Swarm()
    this.#swarms.set(infoHash, swarm)
    return swarm
  }

  #enterEndpoint(swarm: Swarm, request: EndpointAnnounce, nowS: number): Entry {
    const table = swarm.table(request.from.family)
    const entry = compactEntry(request.from, request.port)
    const before = table.seed(entry)
    if (before === undefined && !this.#hasRoom(swarm)) return 'unlisted'
    table.put(entry, { seed: request.seed, private: request.from.private }, nowS)
    countDownload(swarm, request, before)
    return 'listed'
  }

  #enterLink(swarm: Swarm, request: SignallingAnnounce, nowS: number): Entry {
    const { infoHash, peerId, link, seed } = request
    const before = swarm.links.get(peerId)?.seed
    if (before === undefined && !(this.#hasRoom(swarm) && link.mayJoin(infoHash))) return 'unlisted'
    if (!swarm.links.put(peerId, link, seed, nowS)) return 'peer-id-taken'
    link.swarms.add(infoHash)
    countDownload(swarm, request, before)
    return 'listed'
  }

  #leaveLink(swarm: Swarm, request: SignallingAnnounce): void {
    swarm.links.remove(request.peerId, request.link)
    request.link.swarms.delete(request.infoHash)
  }

  #hasRoom(swarm: Swarm): boolean {
    const { ipv4, ipv6, webrtc } = this.totals
    // `#tallied` has taken this swarm's peers out of the totals.
    const all = ipv4 + ipv6 + webrtc + swarm.size
    return swarm.size < this.#config.maxPeersPerSwarm && all < this.#config.maxPeers
  }

  /** Runs a change to a swarm and keeps the totals true. */
  #tallied<T>(swarm: Swarm, change: () => T): T {
    this.#tally(swarm, -1)
    try {
      return change()
    } finally {
      this.#tally(swarm, 1)
    }
  }

  #tally(swarm: Swarm, sign: 1 | -1): void {
    this.totals.ipv4 += sign * swarm.ipv4.size
    this.totals.ipv6 += sign * swarm.ipv6.size
    this.totals.webrtc += sign * swarm.links.size
  }
}

/** Only a leecher we knew counts: a seed that starts by saying `completed` downloaded nothing. */
function countDownload(swarm: Swarm, request: AnnounceRequest, wasSeed: boolean | undefined): void {
  if (request.event === 'completed' && request.seed && wasSeed === false) swarm.downloaded += 1
}

function expire(infoHash: InfoHash, swarm: Swarm, beforeS: number): void {
  swarm.ipv4.expire(beforeS)
  swarm.ipv6.expire(beforeS)
  for (const peer of swarm.links.expire(beforeS)) peer.link.swarms.delete(infoHash)
}
