/** What a torrent counts: payload bytes by class of peer, and the peers of this moment. */
import type { PeerClass, TorrentStats } from '../contract.ts'
import type { PeerBook } from '../peer-book.ts'
import type { Peer } from './peer.ts'

type Bytes = Record<PeerClass, number>

export interface Traffic {
  opened(): void
  /** The peer is of another class than it was: what it moved stays counted as it was. */
  reclassed(peer: Peer, before: PeerClass): void
  /** What the connection moved stays counted. */
  closed(peer: Peer): void
  snapshot(peers: Iterable<Peer>, book: Pick<PeerBook, 'found' | 'tried'>): TorrentStats
}

export function createTraffic(): Traffic {
  const past = { downloaded: noBytes(), uploaded: noBytes() }
  let connected = 0

  return {
    opened() {
      connected++
    },
    reclassed({ peerClass, downloadedBytes, uploadedBytes }, before) {
      past.downloaded[before] += downloadedBytes
      past.downloaded[peerClass] -= downloadedBytes
      past.uploaded[before] += uploadedBytes
      past.uploaded[peerClass] -= uploadedBytes
    },
    closed(peer) {
      past.downloaded[peer.peerClass] += peer.downloadedBytes
      past.uploaded[peer.peerClass] += peer.uploadedBytes
    },
    snapshot(peers, { found, tried }) {
      const downloaded = { ...past.downloaded }
      const uploaded = { ...past.uploaded }
      let count = 0
      let seeds = 0
      for (const peer of peers) {
        count++
        if (peer.pieces.all) seeds++
        downloaded[peer.peerClass] += peer.downloadedBytes
        uploaded[peer.peerClass] += peer.uploadedBytes
      }
      return { found, tried, connected, peers: count, seeds, downloaded, uploaded }
    }
  }
}

function noBytes(): Bytes {
  return { seeder: 0, gateway: 0, stranger: 0 }
}
