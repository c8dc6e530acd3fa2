/**
 * Archives of folders, the latest remembered: a client of ranges asks for the same one again and
 * again, and laying out a large folder costs a walk of it each time.
 */
import type { Entry } from '../../../lib/control/control.ts'
import type { Folder } from '../folder.ts'
import type { Representation } from '../representation.ts'
import type { ArchiveFormat } from './archive.ts'
import { tarOf } from './tar.ts'
import { zipOf } from './zip.ts'

/** The archive of a folder of `entry`. Does no I/O. */
export type ArchiveOf = (entry: Entry, folder: Folder, format: ArchiveFormat) => Representation

export interface ArchiveLimits {
  /** Folders of which archives are remembered. */
  readonly maxFolders: number
  /** Files below all of them together; one folder of more is remembered alone. */
  readonly maxFiles: number
}

const FORMATS = { tar: tarOf, zip: zipOf } as const

export function createArchives({ maxFolders, maxFiles }: ArchiveLimits = DEFAULTS): ArchiveOf {
  /** Oldest first. */
  const latest = new Map<Folder, Partial<Record<ArchiveFormat, Representation>>>()
  let files = 0

  function forget(folder: Folder): void {
    if (latest.delete(folder)) files -= folder.fileCount
  }

  return (entry, folder, format) => {
    if (folder.fileCount < WORTH_KEEPING) return FORMATS[format](entry, folder)
    const known = latest.get(folder)
    const archive = known?.[format] ?? FORMATS[format](entry, folder)
    forget(folder)
    latest.set(folder, { ...known, [format]: archive })
    files += folder.fileCount
    for (const oldest of latest.keys()) {
      const fits = latest.size <= maxFolders && files <= maxFiles
      if (fits || oldest === folder) break
      forget(oldest)
    }
    return archive
  }
}

/** An archive of fewer files is laid out faster than it is looked for among others. */
const WORTH_KEEPING = 2

/** A file costs some 200 bytes in each format. */
const DEFAULTS: ArchiveLimits = { maxFolders: 64, maxFiles: 2 ** 18 }
