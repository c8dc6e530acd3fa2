/** What a joined torrent counts: payload bytes by class of peer, and the peers of this moment. */
import type Wire from 'bittorrent-protocol'
import type { PeerClass, TorrentStats } from '../contract.ts'

type Bytes = Record<PeerClass, number>

export interface Traffic {
  /** Counts what goes over a wire. `classOf` is asked each time: it may become known later. */
  watch(wire: Wire, classOf: () => PeerClass): void
  /** Connections whose handshake was done, ever. */
  readonly connected: number
  snapshot(
    wires: readonly Wire[],
    pieceCount: number,
    book: { readonly found: number; readonly tried: number }
  ): TorrentStats
}

export function createTraffic(): Traffic {
  const downloaded = noBytes()
  const uploaded = noBytes()
  let connected = 0

  return {
    watch(wire, classOf) {
      connected++
      wire.on('download', (bytes: number) => {
        downloaded[classOf()] += bytes
      })
      wire.on('upload', (bytes: number) => {
        uploaded[classOf()] += bytes
      })
    },
    get connected() {
      return connected
    },
    snapshot: (wires, pieceCount, { found, tried }) => ({
      found,
      tried,
      connected,
      peers: wires.length,
      seeds: wires.filter((wire) => hasEverything(wire, pieceCount)).length,
      downloaded: { ...downloaded },
      uploaded: { ...uploaded }
    })
  }
}

function noBytes(): Bytes {
  return { seeder: 0, gateway: 0, stranger: 0 }
}

function hasEverything({ peerPieces: { buffer } }: Wire, pieceCount: number): boolean {
  const whole = pieceCount >> 3
  const spare = pieceCount & 7
  if (pieceCount === 0 || buffer.length < Math.ceil(pieceCount / 8)) return false
  for (let at = 0; at < whole; at++) if (buffer[at] !== 0xff) return false
  const mask = (0xff00 >> spare) & 0xff
  return spare === 0 || ((buffer[whole] ?? 0) & mask) === mask
}
