/** `{infohash}.torrent`: what a BitTorrent client needs to fetch from the swarm and from here. */
import { buildTorrentFile } from '../../core/torrent-file.ts'
import { webSeedUrl } from '../../lib/api/torrent.ts'
import type { Entry } from '../../lib/control/control.ts'

/** The info dictionary exactly as hashed, our trackers as one tier, this gateway as web seed. */
export function torrentDocument(
  entry: Entry,
  info: Uint8Array,
  baseUrl: string,
  announceUrls: readonly string[]
): Buffer {
  return buildTorrentFile(info, {
    announce: announceUrls.length > 0 ? [announceUrls] : [],
    urlList: [webSeedUrl(entry, baseUrl)],
    createdAt: entry.createdAt
  })
}
