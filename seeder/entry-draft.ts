/** What the catalogue is told of a torrent, from its metainfo and the digests kept beside it. */
import type { Metainfo } from '../core/metainfo.ts'
import type { EntryDraft } from '../lib/control/control.ts'
import type { Sidecar } from '../lib/store/metainfo-file.ts'

/** @param sidecar null when nobody has read the files whole: their digests are then unknown. */
export function entryDraft(metainfo: Metainfo, sidecar: Sidecar | null): EntryDraft {
  const { infoHash, name, single, geometry, files } = metainfo
  return {
    infoHash,
    name,
    single,
    size: geometry.size,
    files: files
      .filter(({ padding }) => !padding)
      .map(({ index, name: path, size }) => ({
        index,
        path,
        size,
        sha256: sidecar?.files[index]?.sha256 ?? null,
        crc32: sidecar?.files[index]?.crc32 ?? null
      })),
    replicas: null
  }
}
