/**
 * A swarm that writes down what it was told. The test is its engine: `tell` says what an engine
 * would, `deliver` fetches a piece.
 */

import { pieceSpan } from '../../core/geometry.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import type { Descriptors } from '../../lib/store/descriptors.ts'
import { PieceBits } from '../../lib/store/piece-bits.ts'
import { createPieceFiles } from '../../lib/store/piece-files.ts'
import type {
  EngineTorrent,
  PeerAddress,
  PeerClass,
  TorrentStats,
  Want
} from '../../lib/swarm/contract.ts'
import type { Swarm, SwarmListener } from '../../lib/swarm/swarm.ts'
import type { SampleTorrent } from './sample-torrent.ts'

const NOTHING = { seeder: 0, gateway: 0, stranger: 0 }

export function recordingSwarm(stats: Partial<TorrentStats> = {}) {
  const joined: EngineTorrent[] = []
  const wants: Want[] = []
  const introduced: PeerAddress[] = []
  const left: InfoHash[] = []
  const discoveries: InfoHash[] = []
  const listeners = new Set<SwarmListener>()
  const seen: Partial<TorrentStats> = { ...stats }

  function tell(call: (listener: SwarmListener) => void): void {
    for (const listener of listeners) call(listener)
  }

  const swarm = {
    name: 'swarm',
    ports: [6881],
    joined,
    wants,
    introduced,
    left,
    discoveries,
    listeners,
    tell,
    /** What `stats` says from now on. */
    see: (more: Partial<TorrentStats>) => void Object.assign(seen, more),
    /** Answers BEP 9; by default nobody ever does. */
    onDiscover: (_infoHash: InfoHash): Promise<Uint8Array> => new Promise(() => {}),
    /** Answers a leave; by default at once. */
    onLeave: async (_infoHash: InfoHash): Promise<void> => {},
    join: (torrent: EngineTorrent) => {
      joined.push(torrent)
      wants.push(torrent.want)
    },
    leave: async (infoHash: InfoHash) => {
      left.push(infoHash)
      await swarm.onLeave(infoHash)
    },
    want: (_infoHash: InfoHash, want: Want) => {
      wants.push(want)
    },
    introduce: (_infoHash: InfoHash, peers: readonly PeerAddress[]) => {
      introduced.push(...peers)
    },
    heard: (): number => 0,
    relayPorts: [],
    approach() {},
    discover: (infoHash: InfoHash, _peers: readonly PeerAddress[], signal: AbortSignal) => {
      discoveries.push(infoHash)
      const { promise, reject } = Promise.withResolvers<never>()
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      return Promise.race([promise, swarm.onDiscover(infoHash)])
    },
    evict: async () => {},
    stats: (): TorrentStats | undefined =>
      Object.keys(seen).length === 0
        ? undefined
        : {
            found: 0,
            tried: 0,
            connected: 0,
            peers: 0,
            seeds: 0,
            downloaded: NOTHING,
            uploaded: NOTHING,
            ...seen
          },
    on: (listener: SwarmListener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    /** A piece comes from a peer: bytes, bits, message, as of an engine. */
    async deliver(
      sample: SampleTorrent,
      index: number,
      descriptors: Descriptors,
      from: PeerClass = 'seeder'
    ): Promise<void> {
      const { infoHash, geometry } = sample.metainfo
      const torrent = joined.findLast((one) => one.infoHash === infoHash)
      if (torrent === undefined) throw new Error(`${infoHash} is not joined`)
      const files = createPieceFiles(torrent.pieces, descriptors)
      await files.write(pieceSpan(geometry, index).start, sample.piece(index))
      PieceBits.of(torrent.pieces).prove(index)
      tell((listener) => listener.verified?.(infoHash, index, from))
    },
    close: async () => {}
  }
  return swarm satisfies Swarm
}

export type RecordingSwarm = ReturnType<typeof recordingSwarm>
