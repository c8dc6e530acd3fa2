/**
 * The engines of a node: which one, how many, and what each is told of the node's settings.
 *
 * All of them share the node's rates, through shared memory; each has its own port and peers.
 */
import type { Log } from '../process/service.ts'
import { defaultWorkers } from './config.ts'
import type { EngineConfig, FleetIdentity, SharedRate } from './contract.ts'
import { type EngineNews, type EngineThread, startEngineThread } from './engine-thread.ts'
import { allocateRateLimit } from './wire/rate-limit.ts'

const MAX_PEERS_PER_TORRENT = 80
const MAX_PEERS_PER_WORKER = 400
const MAX_PEERS_PER_ADDRESS = 64

const ENGINES = {
  wire: new URL('./wire/worker.ts', import.meta.url),
  webtorrent: new URL('./webtorrent/worker.ts', import.meta.url)
} as const

export interface SwarmConfig {
  readonly wireHost: string
  /** Worker i listens on this port + i; 0 takes a free port for each. */
  readonly wirePort: number
  readonly engine: keyof typeof ENGINES
  /** Undefined: cores less one, at least 1. */
  readonly workers?: number | undefined
  /** How this node proves itself to its fleet; undefined: it is on its own. */
  readonly fleet?: Omit<FleetIdentity, 'wire'> | undefined
  /** `host:port` that other nodes dial, one per worker; undefined: where they listen. */
  readonly wireAdvertise?: readonly string[] | undefined
  /** Who is given anything on the wire. Default: anybody. */
  readonly access?: EngineConfig['access'] | undefined
  /** Bytes per second of all workers together; undefined: no limit. */
  readonly uploadRate?: number | undefined
  /** Bytes per second sent of one torrent. */
  readonly torrentUploadRate?: number | undefined
  readonly downloadRate?: number | undefined
  /** What connections of our WebRTC process prove themselves with; undefined: there are none. */
  readonly relayToken?: Uint8Array | undefined
}

/** All or none: when one engine cannot start, those that did are closed. */
export async function startEngineThreads(
  config: SwarmConfig,
  deps: {
    readonly log: Log
    readonly onEvent: (event: EngineNews) => void
    readonly onRestart: (thread: number) => void
  }
): Promise<EngineThread[]> {
  const count = config.workers ?? defaultWorkers()
  const rates = { upload: shareRate(config.uploadRate), download: shareRate(config.downloadRate) }
  const starts = Array.from({ length: count }, (_, index) =>
    startEngineThread(
      ENGINES[config.engine],
      { ...engineConfig(config, index), ...rates },
      { log: deps.log, onEvent: deps.onEvent, onRestart: () => deps.onRestart(index) }
    )
  )
  const outcomes = await Promise.allSettled(starts)
  const threads = outcomes.flatMap((outcome) => ('value' in outcome ? [outcome.value] : []))
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failed === undefined) return threads
  await Promise.all(threads.map((thread) => thread.close()))
  throw failed.reason
}

/** What the engine of worker `index` is told. */
function engineConfig(config: SwarmConfig, index: number): EngineConfig {
  const { fleet, wireHost: host, wirePort, wireAdvertise } = config
  return {
    host,
    port: wirePort === 0 ? 0 : wirePort + index,
    maxPeersPerTorrent: MAX_PEERS_PER_TORRENT,
    maxPeers: MAX_PEERS_PER_WORKER,
    maxPeersPerAddress: MAX_PEERS_PER_ADDRESS,
    fleet: fleet && { ...fleet, wire: wireAdvertise?.[index] },
    access: config.access ?? 'open',
    torrentUploadRate: config.torrentUploadRate,
    relayToken: config.relayToken
  }
}

function shareRate(bytesPerSecond: number | undefined): SharedRate | undefined {
  return bytesPerSecond === undefined ? undefined : { memory: allocateRateLimit(), bytesPerSecond }
}
