/** What can be had of a torrent besides its bytes: the .torrent file, the magnet, the listing. */
import { contentUrlPath } from '../../core/content-path.ts'
import { buildMagnet } from '../../core/magnet.ts'
import { buildTorrentFile } from '../../core/torrent-file.ts'
import type { Entry } from '../../lib/control/control.ts'

/** The BEP 19 web seed of a torrent: the file's URL, or the folder's with a slash. */
export function webSeedOf(entry: Entry, baseUrl: string): string {
  return entry.single
    ? baseUrl + contentUrlPath(entry.infoHash, entry.name)
    : `${baseUrl}/${entry.infoHash}/`
}

/** `{infohash}.torrent`: the info dictionary as hashed, our trackers, this gateway as web seed. */
export function torrentDocument(
  entry: Entry,
  info: Uint8Array,
  baseUrl: string,
  announceUrls: readonly string[]
): Buffer {
  return buildTorrentFile(info, {
    announce: announceUrls.length > 0 ? [announceUrls] : [],
    urlList: [webSeedOf(entry, baseUrl)],
    createdAt: entry.createdAt
  })
}

/** `{infohash}.magnet`: the magnet link with the same trackers and web seed. */
export function magnetDocument(
  entry: Entry,
  baseUrl: string,
  announceUrls: readonly string[]
): string {
  return buildMagnet({
    infoHash: entry.infoHash,
    name: entry.name,
    size: entry.size,
    announce: announceUrls,
    webSeeds: [webSeedOf(entry, baseUrl)]
  })
}
