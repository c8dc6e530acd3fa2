/** The metrics of the swarm. */
import type { Metrics } from '../metrics/metrics.ts'
import type { PeerClass, TorrentStats } from './contract.ts'

export interface SwarmMetrics {
  /** Adds what changed between two stats of one torrent; `before` is undefined after a restart. */
  traffic(before: TorrentStats | undefined, after: TorrentStats): void
  piece(result: 'verified' | 'failed'): void
  /** An engine ended by itself and was started again. */
  restarted(): void
}

const CLASSES: readonly PeerClass[] = ['seeder', 'gateway', 'stranger']

/** @param peers asked at every scrape */
export function createSwarmMetrics(metrics: Metrics, peers: () => number): SwarmMetrics {
  const bytes = metrics.counter(
    'swarmgate_swarm_bytes_total',
    'Payload bytes over the BitTorrent wire.',
    ['direction', 'peer_class']
  )
  const pieces = metrics.counter('swarmgate_swarm_pieces_total', 'Pieces whose hash was checked.', [
    'result'
  ])
  metrics.gauge('swarmgate_swarm_peers', 'Connected peers, counted per torrent.', [], (gauge) =>
    gauge.set(peers())
  )

  function traffic(before: TorrentStats | undefined, after: TorrentStats): void {
    for (const peer_class of CLASSES) {
      const down = after.downloaded[peer_class] - (before?.downloaded[peer_class] ?? 0)
      const up = after.uploaded[peer_class] - (before?.uploaded[peer_class] ?? 0)
      if (down > 0) bytes.inc({ direction: 'download', peer_class }, down)
      if (up > 0) bytes.inc({ direction: 'upload', peer_class }, up)
    }
  }

  const restarts = metrics.counter(
    'swarmgate_swarm_engine_restarts_total',
    'Engine threads that ended by themselves and were started again.'
  )

  return {
    traffic,
    piece: (result) => pieces.inc({ result }),
    restarted: () => restarts.inc()
  }
}
