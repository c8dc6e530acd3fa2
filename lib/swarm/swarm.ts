/**
 * The swarm as the rest of the process sees it: engines in worker threads, torrents dealt to them
 * by infohash.
 *
 * Guarantees: calls take effect in order per torrent; a thread that ends takes no torrent with it,
 * since everything that was joined, wanted and introduced is said again to the next one. Promises
 * of `leave` and `evict` then resolve: a thread that is gone uses no file.
 */
import { type InfoHash, infoHashOf, shardOf } from '../../core/info-hash.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Log, Service } from '../process/service.ts'
import type {
  EngineCommand,
  EngineTorrent,
  PeerAddress,
  PeerClass,
  TorrentStats,
  Want
} from './contract.ts'
import type { EngineNews } from './engine-thread.ts'
import { type SwarmConfig, startEngineThreads } from './engine-threads.ts'
import { mergePeers } from './merge-peers.ts'
import { createMetadataRequests } from './metadata-requests.ts'
import { createSwarmMetrics } from './metrics.ts'
import { createReleases } from './releases.ts'

export type { SwarmConfig } from './engine-threads.ts'

export interface SwarmListener {
  knock?(infoHash: InfoHash): void
  verified?(infoHash: InfoHash, index: number, from: PeerClass): void
  failed?(infoHash: InfoHash, index: number, where: 'wire' | 'disk'): void
  stats?(infoHash: InfoHash, stats: TorrentStats): void
}

export interface Swarm extends Service {
  /** One per worker; `shardOf(infoHash, ports.length)` is the one of a torrent. */
  readonly ports: readonly number[]
  /** Where each worker takes connections of the WebRTC process; empty without `relayToken`. */
  readonly relayPorts: readonly number[]
  join(torrent: EngineTorrent): void
  /** Resolves when no file of the torrent is in use any more. */
  leave(infoHash: InfoHash): Promise<void>
  want(infoHash: InfoHash, want: Want): void
  /** Peers of a torrent that is joined or being discovered; of any other nothing is kept. */
  introduce(infoHash: InfoHash, peers: readonly PeerAddress[]): void
  /** Addresses heard of so far for a torrent that is being discovered. */
  heard(infoHash: InfoHash): number
  /** The torrent will be joined within seconds: connects to these peers meanwhile. */
  approach(infoHash: InfoHash, peers: readonly PeerAddress[]): void
  /** The info dictionary from peers (BEP 9). Rejects with the signal's reason. */
  discover(
    infoHash: InfoHash,
    peers: readonly PeerAddress[],
    signal: AbortSignal
  ): Promise<Uint8Array>
  /** Resolves when the engine has let go of the pieces `[first, end)`. */
  evict(infoHash: InfoHash, first: number, end: number): Promise<void>
  /** As last heard; undefined before the first word and for a torrent that is not joined. */
  stats(infoHash: InfoHash): TorrentStats | undefined
  on(listener: SwarmListener): () => void
}

interface Joined {
  torrent: EngineTorrent
  stats: TorrentStats | undefined
}

/** Resolves when every engine listens; rejects when one cannot. */
export async function createSwarm(
  config: SwarmConfig,
  { log, metrics }: { readonly log: Log; readonly metrics?: Metrics | undefined }
): Promise<Swarm> {
  const joined = new Map<InfoHash, Joined>()
  const requests = createMetadataRequests()
  const releases = createReleases()
  const listeners = new Set<SwarmListener>()
  const meter = metrics && createSwarmMetrics(metrics, countPeers)
  const threads = await startEngineThreads(config, { log, onEvent, onRestart })
  let closing: Promise<void> | undefined

  function send(infoHash: InfoHash, command: EngineCommand): void {
    if (closing === undefined) threads[shardOf(infoHash, threads.length)]?.send(command)
  }

  function countPeers(): number {
    let peers = 0
    for (const { stats } of joined.values()) peers += stats?.peers ?? 0
    return peers
  }

  function tell(call: (listener: SwarmListener) => void): void {
    for (const listener of listeners) {
      try {
        call(listener)
      } catch (err) {
        log.error({ err }, 'a listener of the swarm failed')
      }
    }
  }

  function onEvent(event: EngineNews): void {
    switch (event.type) {
      case 'knock':
        tell((listener) => listener.knock?.(event.infoHash))
        break
      case 'verified':
        meter?.piece('verified')
        tell((listener) => listener.verified?.(event.infoHash, event.index, event.from))
        break
      case 'failed':
        meter?.piece('failed')
        tell((listener) => listener.failed?.(event.infoHash, event.index, event.where))
        break
      case 'stats':
        onStats(event.infoHash, event.stats)
        break
      case 'metadata':
        if (infoHashOf(event.info) === event.infoHash) requests.arrived(event.infoHash, event.info)
        break
      case 'left':
        releases.answered(event.infoHash, 'left')
        break
      case 'evicted':
        releases.answered(event.infoHash, `evicted ${event.first}-${event.end}`)
        break
      case 'trouble':
        log.warn({ infoHash: event.infoHash, trouble: event.message }, 'trouble in the swarm')
    }
  }

  function onStats(infoHash: InfoHash, stats: TorrentStats): void {
    const entry = joined.get(infoHash)
    if (entry === undefined) return
    meter?.traffic(entry.stats, stats)
    entry.stats = stats
    tell((listener) => listener.stats?.(infoHash, stats))
  }

  /** Says everything again to a thread that was started again. */
  function onRestart(thread: number): void {
    meter?.restarted()
    const isMine = (infoHash: InfoHash) => shardOf(infoHash, threads.length) === thread
    releases.lost(isMine)
    for (const [infoHash, entry] of joined) {
      if (!isMine(infoHash)) continue
      entry.stats = undefined
      send(infoHash, { type: 'join', torrent: entry.torrent })
    }
    for (const [infoHash, peers] of requests.open()) {
      if (isMine(infoHash)) send(infoHash, { type: 'discover', infoHash, peers })
    }
  }

  function join(torrent: EngineTorrent): void {
    const { infoHash } = torrent
    if (joined.has(infoHash)) return
    joined.set(infoHash, { torrent, stats: undefined })
    send(infoHash, { type: 'join', torrent })
    requests.arrived(infoHash, torrent.info)
  }

  async function leave(infoHash: InfoHash): Promise<void> {
    joined.delete(infoHash)
    if (closing !== undefined) return closing
    const left = releases.next(infoHash, 'left')
    send(infoHash, { type: 'leave', infoHash })
    await left
  }

  function want(infoHash: InfoHash, wanted: Want): void {
    const entry = joined.get(infoHash)
    if (entry === undefined) return
    entry.torrent = { ...entry.torrent, want: wanted }
    send(infoHash, { type: 'want', infoHash, want: wanted })
  }

  function introduce(infoHash: InfoHash, peers: readonly PeerAddress[]): void {
    const entry = joined.get(infoHash)
    if (peers.length === 0) return
    if (entry === undefined) {
      if (requests.add(infoHash, peers)) send(infoHash, { type: 'peers', infoHash, peers })
      return
    }
    entry.torrent = { ...entry.torrent, peers: mergePeers(entry.torrent.peers, peers) }
    send(infoHash, { type: 'peers', infoHash, peers })
  }

  function approach(infoHash: InfoHash, peers: readonly PeerAddress[]): void {
    if (joined.has(infoHash) || peers.length === 0) return
    send(infoHash, { type: 'approach', infoHash, peers })
  }

  async function discover(
    infoHash: InfoHash,
    peers: readonly PeerAddress[],
    signal: AbortSignal
  ): Promise<Uint8Array> {
    signal.throwIfAborted()
    const known = joined.get(infoHash)
    if (known !== undefined) return known.torrent.info
    const info = requests.wait(infoHash, peers, signal, () => {
      if (!joined.has(infoHash)) void leave(infoHash)
    })
    send(infoHash, { type: 'discover', infoHash, peers })
    return info
  }

  async function evict(infoHash: InfoHash, first: number, end: number): Promise<void> {
    if (closing !== undefined) return closing
    const evicted = releases.next(infoHash, `evicted ${first}-${end}`)
    send(infoHash, { type: 'evict', infoHash, first, end })
    await evicted
  }

  async function shutDown(): Promise<void> {
    await Promise.all(threads.map((thread) => thread.close()))
    releases.lost(() => true)
    joined.clear()
  }

  return {
    name: 'swarm',
    ports: threads.map(({ port }) => port),
    relayPorts: threads.flatMap(({ relayPort }) => relayPort ?? []),
    join,
    leave,
    want,
    introduce,
    heard: requests.heard,
    approach,
    discover,
    evict,
    stats: (infoHash) => joined.get(infoHash)?.stats,
    on(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    close() {
      closing ??= shutDown()
      return closing
    }
  }
}
