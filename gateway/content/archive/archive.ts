/**
 * What every archive of a folder has in common, whatever its format: how it is named and validated.
 *
 * An archive is a function of the torrent, the folder and the version of our layout, so that it has
 * a strong validator and ranges of it can be joined: the clock, the machine and the moment are not
 * in it.
 */
import { createHash } from 'node:crypto'
import type { Entry } from '../../../lib/control/control.ts'
import type { Folder } from '../folder.ts'
import { dispositionOf } from '../media-type.ts'
import { IMMUTABLE, type Representation } from '../representation.ts'
import type { ArchivedFile } from './entry-names.ts'

export type ArchiveFormat = 'tar' | 'zip'

const MEDIA_TYPES = { tar: 'application/x-tar', zip: 'application/zip' } as const

/** All of an archive's representation but its bytes. */
export type ArchiveFace = Omit<Representation, 'parts' | 'size'>

export interface FaceSpec {
  readonly entry: Entry
  readonly folder: Folder
  readonly files: readonly ArchivedFile[]
  readonly format: ArchiveFormat
  /** Whatever else the bytes depend on, such as the version of the layout. */
  readonly variant: string
}

export function archiveFace({ entry, folder, files, format, variant }: FaceSpec): ArchiveFace {
  const { infoHash, createdAt } = entry
  const what = JSON.stringify([folder.path, createdAt, variant])
  // Files that are denied are missing, and may come back: which ones are there counts.
  const there = Uint32Array.from(files, ({ file }) => file.index)
  const digest = createHash('sha256').update(what).update(there).digest('hex').slice(0, 16)
  const first = files[0]?.file
  const last = files.at(-1)?.file
  return {
    etag: `"${infoHash}.${format}.${digest}"`,
    lastModified: createdAt,
    mediaType: MEDIA_TYPES[format],
    cacheControl: IMMUTABLE,
    ...(first && last && { readsOn: [first, last] }),
    headers: {
      'x-content-type-options': 'nosniff',
      'content-disposition': dispositionOf(`${folder.name}.${format}`, true)
    }
  }
}
