/**
 * The tracker's announce side: swarms over HTTP, UDP and WebSocket.
 *
 *   wire    http-door, udp-socket, signalling → requests → shell (encodes, relays)
 *   policy  approval, who is told about whom
 *   state   swarm store
 *
 * The TCP port is the tracker's, which hands over what is ours; the UDP socket is our own.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { InfoHash } from '../../core/info-hash.ts'
import type { Metrics } from '../../lib/metrics/metrics.ts'
import type { Log, Service } from '../../lib/process/service.ts'
import { createApproval } from './approval.ts'
import { createHttpDoor } from './http-door.ts'
import { createAnnounceMetrics } from './metrics.ts'
import { createPolicy, type Policy } from './policy.ts'
import { Shell } from './shell.ts'
import { createSignalling } from './signalling.ts'
import { SwarmStore } from './swarm-store.ts'
import { openUdpSocket, type UdpSocket } from './udp-socket.ts'

export interface AnnounceConfig {
  /** What clients are told to wait between announces; WebSocket peers a fifth of it. */
  readonly intervalMs: number
  readonly minIntervalMs: number
  /** Silence after which a peer is forgotten. */
  readonly peerTtlMs: number
  readonly maxSwarms: number
  readonly maxPeersPerSwarm: number
  readonly maxPeers: number
  /** WebSockets at once. */
  readonly maxSockets: number
}

export const ANNOUNCE_DEFAULTS: AnnounceConfig = {
  intervalMs: 15 * 60_000,
  minIntervalMs: 60_000,
  peerTtlMs: 32 * 60_000,
  maxSwarms: 200_000,
  maxPeersPerSwarm: 10_000,
  maxPeers: 2_000_000,
  maxSockets: 10_000
}

export interface AnnounceDeps {
  /** Whether this torrent may have a swarm. A rejection is told to the client as "ask later". */
  approve(infoHash: InfoHash): Promise<boolean>
  readonly log: Log
  readonly metrics: Pick<Metrics, 'counter' | 'gauge'>
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number
}

export interface Announce extends Service {
  /** Answers `/announce` and `/scrape`; false, and nothing done, for any other path. */
  handleHttp(request: IncomingMessage, response: ServerResponse): boolean
  /** Takes every upgrade request of the tracker's port. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Binds the UDP socket and resolves with its port; rejects when it is taken. Once only. */
  listenUdp(host: string, port: number): Promise<number>
  /** Ends a swarm at once: what it was for is no longer published. */
  forget(infoHash: InfoHash): void
}

const SWEEP_EVERY_MS = 1000
/** Every swarm is looked at once a minute. */
const SWEEP_SHARE = 1 / 60
const HEARTBEAT_EVERY_MS = 30_000

export function createAnnounce(partial: Partial<AnnounceConfig>, deps: AnnounceDeps): Announce {
  const config = { ...ANNOUNCE_DEFAULTS, ...partial }
  const { log, now = () => performance.now() } = deps
  const nowS = () => Math.floor(now() / 1000)
  const store = new SwarmStore({ ...config, peerTtlS: Math.ceil(config.peerTtlMs / 1000) })
  const metrics = createAnnounceMetrics(deps.metrics, store)
  const approval = createApproval(deps)
  const policy = counted(createPolicy({ approval, store, nowS, log }))
  const shell = new Shell(config, { policy, log })
  const signalling = createSignalling(config, { shell, store, metrics, log })
  const handleHttp = createHttpDoor({ shell, policy, metrics })
  const sweeping = setInterval(() => store.sweep(nowS(), SWEEP_SHARE), SWEEP_EVERY_MS)
  const beating = setInterval(() => signalling.heartbeat(), HEARTBEAT_EVERY_MS)
  let udp: Promise<UdpSocket> | undefined

  function counted(inner: Policy): Policy {
    async function announce(request: Parameters<Policy['announce']>[0]) {
      const outcome = await inner.announce(request)
      metrics.decided(request, outcome)
      return outcome
    }
    return { ...inner, announce }
  }

  async function listenUdp(host: string, port: number): Promise<number> {
    if (udp !== undefined) throw new Error('the tracker listens on UDP already')
    const opening = openUdpSocket({ host, port }, { shell, metrics, now, log })
    udp = opening
    try {
      return (await opening).port
    } catch (err) {
      udp = undefined
      throw err
    }
  }

  async function close(): Promise<void> {
    clearInterval(sweeping)
    clearInterval(beating)
    shell.close(() => {})
    await signalling.close()
    const socket = await udp?.catch(() => undefined)
    await socket?.close()
  }

  return {
    name: 'announce',
    handleHttp,
    handleUpgrade: signalling.handleUpgrade,
    listenUdp,
    forget: (infoHash) => store.forget(infoHash),
    close
  }
}
