/** `{infohash}.torrent`: what a BitTorrent client needs to fetch from the swarm and from here. */
import { buildTorrentFile } from '../../../core/torrent-file.ts'
import { webSeedUrl } from '../../../lib/api/torrent.ts'
import type { Entry } from '../../../lib/control/control.ts'
import { listsOf } from '../../../lib/swarm/announce-tiers.ts'

/**
 * The info dictionary exactly as hashed, our trackers and this gateway as web seed.
 * @param announceUrls of one tracker or of several, in the order in which they are to be asked
 */
export function torrentDocument(
  entry: Pick<Entry, 'infoHash' | 'name' | 'single' | 'createdAt'>,
  info: Uint8Array,
  baseUrl: string,
  announceUrls: readonly string[]
): Buffer {
  return buildTorrentFile(info, {
    // BEP 12: the doors of one tracker lead into the same swarm, and a client needs one of them.
    announce: listsOf(announceUrls).map((doors) => doors.flat()),
    urlList: [webSeedUrl(entry, baseUrl)],
    createdAt: entry.createdAt
  })
}
