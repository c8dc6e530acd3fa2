/** A swarm that only writes down what it was told. */

import type { InfoHash } from '../../core/info-hash.ts'
import type { EngineTorrent, PeerAddress, TorrentStats, Want } from '../../lib/swarm/contract.ts'

export function recordingSwarm(stats: Partial<TorrentStats> = {}) {
  const joined: EngineTorrent[] = []
  const wants: Want[] = []
  const introduced: PeerAddress[] = []
  const left: InfoHash[] = []
  return {
    joined,
    wants,
    introduced,
    left,
    join: (torrent: EngineTorrent) => {
      joined.push(torrent)
      wants.push(torrent.want)
    },
    leave: async (infoHash: InfoHash) => {
      left.push(infoHash)
    },
    want: (_infoHash: InfoHash, want: Want) => {
      wants.push(want)
    },
    introduce: (_infoHash: InfoHash, peers: readonly PeerAddress[]) => {
      introduced.push(...peers)
    },
    stats: (): TorrentStats | undefined =>
      Object.keys(stats).length === 0
        ? undefined
        : {
            found: 0,
            tried: 0,
            connected: 0,
            peers: 0,
            seeds: 0,
            downloaded: { seeder: 0, gateway: 0, stranger: 0 },
            uploaded: { seeder: 0, gateway: 0, stranger: 0 },
            ...stats
          }
  }
}
