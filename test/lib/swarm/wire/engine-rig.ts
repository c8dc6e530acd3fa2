/** An engine in the test's own thread, with what it says, and peers made of sockets for it. */
import { once } from 'node:events'
import { connect } from 'node:net'
import type { InfoHash } from '../../../../core/info-hash.ts'
import type {
  EngineConfig,
  EngineEvent,
  FleetIdentity,
  PeerAddress,
  TorrentStats
} from '../../../../lib/swarm/contract.ts'
import { type Engine, openEngine } from '../../../../lib/swarm/wire/engine.ts'
import { RawPeer } from '../raw-peer.ts'

export const SECRET = 'a secret of thirty-two characters'

export interface Rig {
  readonly engine: Engine
  readonly port: number
  readonly events: readonly EngineEvent[]
  /** Resolves with the first event, past or future, that satisfies `test`. */
  first<T extends EngineEvent>(test: (event: EngineEvent) => event is T): Promise<T>
  /** Resolves when the stats of a torrent, as last told, satisfy `test`. */
  stats(infoHash: InfoHash, test: (stats: TorrentStats) => boolean): Promise<TorrentStats>
  /** The engine as others dial it. */
  address(peerClass?: PeerAddress['class']): PeerAddress
}

/** Closed with the test. */
export async function openRig(
  t: { teardown(undo: () => unknown): unknown },
  config: Partial<EngineConfig> = {}
): Promise<Rig> {
  const host = config.host ?? '127.0.0.1'
  const events: EngineEvent[] = []
  const checks = new Set<() => void>()
  const engine = await openEngine(
    {
      host,
      port: 0,
      maxPeers: 400,
      maxPeersPerTorrent: 80,
      maxPeersPerAddress: 64,
      access: 'open',
      ...config
    },
    (event) => {
      events.push(event)
      for (const check of [...checks]) check()
    }
  )
  t.teardown(() => engine.close())

  function when<T>(find: () => T | undefined): Promise<T> {
    return new Promise((resolve) => {
      const check = () => {
        const found = find()
        if (found === undefined) return
        checks.delete(check)
        resolve(found)
      }
      checks.add(check)
      check()
    })
  }

  return {
    engine,
    port: engine.port,
    events,
    first: (test) => when(() => events.find(test)),
    stats: (infoHash, test) =>
      when(() => {
        const last = events.findLast((event) => isStatsOf(event, infoHash))
        return last?.type === 'stats' && test(last.stats) ? last.stats : undefined
      }),
    address: (peerClass = 'stranger') => ({ host, port: engine.port, class: peerClass })
  }
}

function isStatsOf(event: EngineEvent, infoHash: InfoHash): boolean {
  return event.type === 'stats' && event.infoHash === infoHash
}

/** An event of one type, of one torrent. */
export function isEvent<T extends EngineEvent['type']>(type: T, infoHash: InfoHash) {
  return (event: EngineEvent): event is EngineEvent & { type: T } =>
    event.type === type && 'infoHash' in event && event.infoHash === infoHash
}

export function nodeOf(nodeId: string, role: FleetIdentity['role']): FleetIdentity {
  return { secret: SECRET, nodeId, role, wire: undefined }
}

/** A raw peer; `from` is one of the loopback's addresses, each of which counts as a host. */
export async function dialFrom(
  port: number,
  infoHash: InfoHash,
  { from = '127.0.0.1', host = '127.0.0.1' } = {}
): Promise<RawPeer> {
  const socket = connect({ host, port, localAddress: from, noDelay: true })
  await once(socket, 'connect')
  return new RawPeer(socket, infoHash)
}
