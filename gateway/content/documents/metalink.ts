/** `{infohash}.meta4`: for download programs that take HTTP and BitTorrent together. */
import { contentUrlPath } from '../../../core/content-path.ts'
import { buildMetalink } from '../../../core/metalink.ts'
import type { Entry } from '../../../lib/control/control.ts'
import { savedPath } from './saved-path.ts'

/**
 * Every file with its URL here and its place in the torrent. A hash that is still unknown is left
 * out: the document is of use without it. So is the torrent when it has no byte and no swarm.
 */
export function metalinkDocument(
  entry: Pick<Entry, 'infoHash' | 'name' | 'single' | 'size' | 'createdAt' | 'files'>,
  baseUrl: string
): Buffer {
  const { infoHash, name, single } = entry
  const torrent = { url: `${baseUrl}/${infoHash}.torrent`, folder: !single }
  const document = buildMetalink({
    identity: name,
    ...(entry.size > 0 && { torrent }),
    publishedAt: entry.createdAt,
    files: entry.files.map((file) => ({
      path: savedPath(entry, file),
      size: file.size,
      sha256: file.sha256,
      urls: [baseUrl + contentUrlPath(infoHash, name, single ? undefined : file.path)]
    }))
  })
  return Buffer.from(document)
}
