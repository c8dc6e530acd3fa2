/** What a file's response says of itself beside its bytes: where more is told, and its digest. */
import { formatDigestField, wantsDigest } from '../../core/digest.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import { METALINK_TYPE } from '../../core/metalink.ts'
import type { EntryFile } from '../../lib/control/control.ts'
import { TORRENT_TYPE } from './documents/kind.ts'

/**
 * The `Link` header (RFC 8288): the torrent and the metalink that describe the file (RFC 6249 §5).
 * @param base what stands before `/{infohash}`: nothing on the gateway's own host, its base URL
 *   on a site's host, `/s/{token}` for signed URLs
 */
export function linkHeader(infoHash: InfoHash, base = ''): string {
  const described = (suffix: string, type: string) =>
    `<${base}/${infoHash}.${suffix}>; rel="describedby"; type="${type}"`
  return `${described('torrent', TORRENT_TYPE)}, ${described('meta4', METALINK_TYPE)}`
}

/**
 * The `Repr-Digest` header (RFC 9530) of the whole file, whatever part of it is sent; undefined
 * while it is unknown, and for a client whose `Want-Repr-Digest` refuses SHA-256.
 */
export function reprDigest(
  { sha256 }: Pick<EntryFile, 'sha256'>,
  wanted?: string | readonly string[]
): string | undefined {
  const header = typeof wanted === 'string' ? wanted : wanted?.join(',')
  if (sha256 === null || !wantsDigest(header, 'sha-256')) return undefined
  return formatDigestField('sha-256', sha256)
}
