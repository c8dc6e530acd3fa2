/**
 * The volume of the library: its folders, what an earlier life left in them, the room on it.
 *
 * A volume that cannot be written is opened all the same: what changes it is then refused.
 */
import { mkdir, readdir, statfs } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { AppError } from '../../core/errors.ts'
import type { Log } from '../process/service.ts'
import { systemCode, writeError } from './store-error.ts'
import { openTrash, type Trash } from './torrent-folders.ts'

export interface LibraryVolume {
  /** The folder of uploads in the making. */
  readonly staging: string
  /** Moves a folder away at once, if it is there; it is unlinked in the background. */
  discard(path: string): Promise<void>
  /** Bytes that may still be written. */
  freeBytes(): Promise<number>
  /** Resolves when nothing is being unlinked. */
  settled(): Promise<void>
}

const READ_ONLY: ReadonlySet<string | undefined> = new Set(['EROFS', 'EACCES', 'EPERM'])

export async function openVolume(folder: string, log: Log): Promise<LibraryVolume> {
  const staging = join(folder, 'staging')
  const trash = await prepare(folder, staging, log)

  return {
    staging,
    async discard(path) {
      if (trash === undefined) throw new AppError('STORE_FAILED', 'the library is read-only')
      await trash.take(path, basename(path)).catch((err) => {
        if (systemCode(err) !== 'ENOENT') throw writeError('the library', err)
      })
    },
    async freeBytes() {
      const { bavail, bsize } = await statfs(folder)
      return bavail * bsize
    },
    async settled() {
      await trash?.settled()
    }
  }
}

/** Undefined on a volume that cannot be written. */
async function prepare(folder: string, staging: string, log: Log): Promise<Trash | undefined> {
  try {
    for (const name of ['library', 'staging', 'incomplete']) {
      await mkdir(join(folder, name), { recursive: true })
    }
    const trash = await openTrash(join(folder, 'trash'), log)
    for (const name of await readdir(staging)) await trash.take(join(staging, name), name)
    return trash
  } catch (err) {
    if (!READ_ONLY.has(systemCode(err))) throw err
    log.warn({ err }, 'the library is read-only')
    return undefined
  }
}
