/** A torrent that nobody published, in the form of a catalogue entry. */
import type { Metainfo } from '../../core/metainfo.ts'
import type { Entry } from '../../lib/control/control.ts'

/**
 * `Last-Modified` of content that has no time of publishing: the same on every gateway and in every
 * life of it, as the bytes that an infohash names never change. The day BitTorrent was announced.
 */
export const FOREIGN_CREATED_AT = Date.UTC(2001, 6, 2)

/** Nobody has read the files whole, so no digest of them is known. */
export function foreignEntry({ infoHash, name, single, geometry, files }: Metainfo): Entry {
  return {
    infoHash,
    name,
    single,
    size: geometry.size,
    files: files
      .filter(({ padding }) => !padding)
      .map(({ index, name: path, size }) => ({ index, path, size, sha256: null, crc32: null })),
    replicas: 1,
    revision: 0,
    state: 'published',
    createdAt: FOREIGN_CREATED_AT
  }
}
