/**
 * Our own peer-wire engine behind the engine contract: commands in, events out.
 *
 * Commands of one torrent take effect in the order they came: a join after a leave waits until the
 * files of the earlier one are free. Nothing a command says may throw; what goes wrong is posted.
 */
import type { InfoHash } from '../../../core/info-hash.ts'
import { createDescriptors } from '../../store/descriptors.ts'
import { createDiskJobs } from '../../store/disk-jobs.ts'
import type {
  EngineCommand,
  EngineConfig,
  EngineEvent,
  PeerAddress,
  SharedRate
} from '../contract.ts'
import { createKnocks } from '../knocks.ts'
import { createTurns } from '../turns.ts'
import { createBufferPool } from './buffer-pool.ts'
import { createConnections } from './connections.ts'
import type { EngineParts } from './engine-parts.ts'
import { createRateLimit, type RateLimit, UNLIMITED } from './rate-limit.ts'
import { type Arrival, openReception, type Reception } from './reception.ts'
import type { SharingSpec } from './sharing.ts'
import { createSwarmTorrent, type SwarmTorrent } from './swarm-torrent.ts'
import { createTcpDialler } from './tcp-stream.ts'
import { createUploads } from './uploads.ts'

const TICK_MS = 100
const MAX_OPEN_FILES = 128
const WRITES_AT_ONCE = 2
/** Torrents whose metainfo is being expected. */
const MAX_DISCOVERIES = 256
/** How long connections are kept for a torrent that is to be joined. */
const JOIN_MS = 10_000
/** Memory for pieces that are fetched or written, of one engine. */
const PIECE_MEMORY_BYTES = 64 * 2 ** 20
const MAX_GREETING = 256
/** Connections to strangers that are being made, of all torrents. */
const MAX_HALF_OPEN = 128

export interface Engine {
  readonly port: number
  handle(command: EngineCommand): void
  /** Resolves when no file is in use and the port is free. */
  close(): Promise<void>
}

/** Opens the engine; rejects when the port cannot be had. Posts `ready` first. */
export async function openEngine(
  config: EngineConfig,
  post: (event: EngineEvent) => void
): Promise<Engine> {
  const torrents = new Map<InfoHash, SwarmTorrent>()
  /** Torrents that are to be joined soon, and when (milliseconds) they are given up if not. */
  const expected = new Map<InfoHash, number>()
  const turns = createTurns((infoHash, err) => trouble(infoHash, `command failed: ${String(err)}`))
  const knocks = createKnocks((infoHash) => post({ type: 'knock', infoHash }))
  const connections = createConnections({
    ...config,
    maxGreeting: MAX_GREETING,
    maxHalfOpen: MAX_HALF_OPEN,
    hasFleet: config.fleet !== undefined
  })
  const descriptors = createDescriptors({ max: MAX_OPEN_FILES })
  const uploads = createUploads({ rate: rateOf(config.upload) })
  let serial = 0
  let closing: Promise<void> | undefined
  const reception = await openReceptions(config, {
    greet: connections.greet,
    greeted: connections.greeted,
    arrived: welcome
  })
  const parts: EngineParts = {
    config,
    tcp: createTcpDialler(),
    connections,
    uploads,
    pool: createBufferPool({ limitBytes: PIECE_MEMORY_BYTES }),
    descriptors,
    jobs: createDiskJobs({ swarm: WRITES_AT_ONCE }),
    download: rateOf(config.download),
    post: announce,
    nextSerial: () => ++serial,
    port: () => reception.port
  }
  const ticking = setInterval(tick, TICK_MS)
  post({ type: 'ready', port: reception.port, relayPort: reception.relayPort })

  function announce(event: EngineEvent): void {
    if (event.type === 'metadata') expected.set(event.infoHash, Date.now() + JOIN_MS)
    post(event)
  }

  function trouble(infoHash: InfoHash | null, message: string): void {
    post({ type: 'trouble', infoHash, message })
  }

  /** A connection for a torrent that sleeps wakes it and waits a while. */
  async function welcome(arrival: Arrival): Promise<void> {
    const { infoHash } = arrival.their
    if (!torrents.has(infoHash) && closing === undefined) await knocks.wait(infoHash)
    const torrent = torrents.get(infoHash)
    if (arrival.gone) return
    if (torrent === undefined || closing !== undefined) arrival.stream.destroy()
    else torrent.accept(arrival)
  }

  function torrentOf(infoHash: InfoHash): SwarmTorrent {
    const known = torrents.get(infoHash)
    if (known !== undefined) return known
    const torrent = createSwarmTorrent(infoHash, parts)
    torrents.set(infoHash, torrent)
    return torrent
  }

  function join(spec: SharingSpec & { readonly peers: readonly PeerAddress[] }): void {
    if (closing !== undefined) return
    expected.delete(spec.infoHash)
    const torrent = torrentOf(spec.infoHash)
    if (torrent.joined) return
    torrent.join(spec)
    torrent.introduce(spec.peers)
    knocks.arrived(spec.infoHash)
  }

  async function leave(infoHash: InfoHash): Promise<void> {
    const torrent = torrents.get(infoHash)
    torrents.delete(infoHash)
    expected.delete(infoHash)
    try {
      await torrent?.close()
    } finally {
      post({ type: 'left', infoHash })
    }
  }

  function discover(infoHash: InfoHash, peers: readonly PeerAddress[]): void {
    if (closing !== undefined) return
    if (!torrents.has(infoHash) && isFull()) {
      trouble(infoHash, 'too many torrents are being learned')
      return
    }
    expected.delete(infoHash)
    const torrent = torrentOf(infoHash)
    torrent.introduce(peers)
    torrent.discover()
    knocks.arrived(infoHash)
  }

  function approach(infoHash: InfoHash, peers: readonly PeerAddress[]): void {
    if (closing !== undefined || torrents.has(infoHash) || isFull()) return
    expected.set(infoHash, Date.now() + JOIN_MS)
    torrentOf(infoHash).introduce(peers)
  }

  function isFull(): boolean {
    let learning = 0
    for (const torrent of torrents.values()) if (!torrent.joined) learning++
    return learning >= MAX_DISCOVERIES
  }

  async function evict(infoHash: InfoHash, first: number, end: number): Promise<void> {
    try {
      if (end > first) await torrents.get(infoHash)?.evict(first, end)
    } finally {
      post({ type: 'evicted', infoHash, first, end })
    }
  }

  function handle(command: EngineCommand): void {
    if (command.type === 'close') return void close()
    const infoHash = command.type === 'join' ? command.torrent.infoHash : command.infoHash
    turns.run(infoHash, () => perform(command))
  }

  function perform(command: Exclude<EngineCommand, { type: 'close' }>): Promise<void> | void {
    switch (command.type) {
      case 'join':
        return join(command.torrent)
      case 'leave':
        return leave(command.infoHash)
      case 'want':
        return torrents.get(command.infoHash)?.want(command.want)
      case 'peers':
        return torrents.get(command.infoHash)?.introduce(command.peers)
      case 'discover':
        return discover(command.infoHash, command.peers)
      case 'approach':
        return approach(command.infoHash, command.peers)
      case 'evict':
        return evict(command.infoHash, command.first, command.end)
    }
  }

  function tick(): void {
    const now = Date.now()
    for (const [infoHash, at] of expected) {
      if (now < at) continue
      expected.delete(infoHash)
      const torrent = torrents.get(infoHash)
      if (torrent === undefined || torrent.joined) continue
      torrents.delete(infoHash)
      void torrent.close()
    }
    connections.tick(now)
    for (const torrent of torrents.values()) torrent.tick(now)
  }

  async function shutDown(): Promise<void> {
    clearInterval(ticking)
    knocks.close()
    await reception.close()
    await turns.settled()
    await Promise.all([...torrents.values()].map((torrent) => torrent.close()))
    uploads.close()
    await descriptors.close()
  }

  function close(): Promise<void> {
    closing ??= shutDown()
    return closing
  }

  return { port: reception.port, handle, close }
}

/** The public listener, and the one of our own WebRTC process where there is one. */
async function openReceptions(
  config: EngineConfig,
  deps: Parameters<typeof openReception>[2]
): Promise<Reception & { readonly relayPort: number | undefined }> {
  const main = await openReception(config.host, config.port, deps)
  const token = config.relayToken
  if (token === undefined) return { ...main, relayPort: undefined }
  const relay = await openReception('127.0.0.1', config.relayPort ?? 0, deps, token)
  return {
    port: main.port,
    relayPort: relay.port,
    async close() {
      await Promise.all([main.close(), relay.close()])
    }
  }
}

function rateOf(shared: SharedRate | undefined): RateLimit {
  return shared === undefined ? UNLIMITED : createRateLimit(shared.memory, shared.bytesPerSecond)
}
