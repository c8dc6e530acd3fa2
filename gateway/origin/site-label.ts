/** The label of a site's host: the infohash in base32, 32 characters that no case can change. */
import { decodeBase32, encodeBase32 } from '../../core/base32.ts'
import {
  type InfoHash,
  infoHashBytes,
  infoHashFromBytes,
  parseInfoHash
} from '../../core/info-hash.ts'

export interface SiteLabel {
  readonly infoHash: InfoHash
  /** False for the 40 hex digits, which name the same torrent under another origin. */
  readonly canonical: boolean
}

const LENGTH = 32

export function siteLabel(infoHash: InfoHash): string {
  return encodeBase32(infoHashBytes(infoHash))
}

/** The torrent that a label of a host names, undefined for any other label. */
export function parseSiteLabel(label: string): SiteLabel | undefined {
  const hex = parseInfoHash(label)
  if (hex !== undefined) return { infoHash: hex, canonical: false }
  const bytes = label.length === LENGTH ? decodeBase32(label) : undefined
  const infoHash = bytes && infoHashFromBytes(bytes)
  return infoHash && { infoHash, canonical: true }
}
