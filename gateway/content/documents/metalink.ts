/** `{infohash}.meta4`: for download programs that take HTTP and BitTorrent together. */
import { contentUrlPath } from '../../../core/content-path.ts'
import { type MetalinkFile, metalinkPieces } from '../../../core/metalink.ts'
import type { Entry } from '../../../lib/control/control.ts'
import { savedPath } from './saved-path.ts'

type Described = Pick<Entry, 'infoHash' | 'name' | 'single' | 'size' | 'createdAt' | 'files'>

/**
 * Every file with its URL here and its place in the torrent. A hash that is still unknown is left
 * out: the document is of use without it. So is the torrent when it has no byte and no swarm.
 * In pieces, a file at a time.
 */
export function metalinkDocument(entry: Described, baseUrl: string): Iterable<string> {
  const { infoHash, name, single } = entry
  const torrent = { url: `${baseUrl}/${infoHash}.torrent`, folder: !single }
  return metalinkPieces({
    identity: name,
    ...(entry.size > 0 && { torrent }),
    publishedAt: entry.createdAt,
    files: filesOf(entry, baseUrl)
  })
}

function* filesOf(entry: Described, baseUrl: string): Iterable<MetalinkFile> {
  const { infoHash, name, single } = entry
  for (const file of entry.files) {
    const { path, size, sha256 } = file
    const url = baseUrl + contentUrlPath(infoHash, name, single ? undefined : path)
    yield { path: savedPath(entry, file), size, sha256, urls: [url] }
  }
}
