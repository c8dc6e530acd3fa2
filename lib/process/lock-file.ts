/**
 * One process per data folder, by a lock that the kernel holds.
 *
 * The lock is an exclusive transaction of SQLite (built into Node) on the empty file
 * `{folder}/lock`: a byte-range lock of the operating system on an open file. It is gone with the
 * process however that ends, so after a kill or a power cut there is nothing stale to judge, and
 * no process id to compare, which says nothing across containers or after the id was used again.
 * It also holds between containers that share a volume. The file itself stays and means nothing.
 */
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Service } from './service.ts'

/** SQLITE_BUSY: somebody holds the lock. */
const BUSY = 5

/**
 * Locks `folder`, which is made if it is missing, until `close`. Throws an `Error` that names the
 * folder when another process, or another part of this one, has it.
 */
export async function lockFolder(folder: string): Promise<Service> {
  const path = resolve(folder)
  await mkdir(path, { recursive: true })
  const database = openLock(path)
  return {
    name: 'folder lock',
    async close() {
      if (database.isOpen) database.close()
    }
  }
}

function openLock(path: string): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(join(path, 'lock'), { timeout: 0 })
    // No journal on the disk: a full one can be locked too.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return database
  } catch (err) {
    database?.close()
    throw new Error(messageOf(path, err), { cause: err })
  }
}

function messageOf(path: string, err: unknown): string {
  const busy = err instanceof Error && 'errcode' in err && err.errcode === BUSY
  if (busy) return `the data folder ${path} is in use by another process`
  return `the data folder ${path} cannot be locked: ${err instanceof Error ? err.message : err}`
}
