/**
 * The few operations that decide what survives a power cut, behind one interface so that a test can
 * record their order and make each of them fail.
 */
import { type FileHandle, mkdir, open, rename, unlink, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Descriptors } from './descriptors.ts'

export interface DurableDisk {
  /** `fdatasync`: what any thread has written to the file so far is on the medium. */
  syncData(path: string): Promise<void>
  /** Writes a new file (or over an old one) and `fsync`s it. */
  writeSynced(path: string, bytes: Uint8Array): Promise<void>
  rename(from: string, to: string): Promise<void>
  /** `fsync` of a folder: names made, renamed and removed in it are on the medium. */
  syncFolder(path: string): Promise<void>
}

export function createDurableDisk(descriptors: Descriptors): DurableDisk {
  return {
    syncData: (path) => descriptors.use(path, 'r', (handle) => handle.datasync()),
    async writeSynced(path, bytes) {
      await using file = await opened(path, 'w')
      await file.handle.writeFile(bytes)
      await file.handle.sync()
    },
    rename,
    async syncFolder(path) {
      await using file = await opened(path, 'r')
      await file.handle.sync()
    }
  }
}

/**
 * The same for what can be fetched again: nothing is synced. The end of a process loses nothing of
 * it; after a power cut what its ledger claims may be untrue, which the first read finds out.
 */
export function createUnsyncedDisk(): DurableDisk {
  return {
    syncData: async () => {},
    writeSynced: (path, bytes) => writeFile(path, bytes),
    rename,
    syncFolder: async () => {}
  }
}

async function opened(
  path: string,
  flags: string
): Promise<AsyncDisposable & { handle: FileHandle }> {
  const handle = await open(path, flags, 0o644)
  return { handle, [Symbol.asyncDispose]: () => handle.close() }
}

/** Replaces a file whole: at every moment the old or the new content is there, never a mixture. */
export async function replaceFile(
  disk: DurableDisk,
  path: string,
  bytes: Uint8Array
): Promise<void> {
  const temporary = `${path}.new`
  try {
    await disk.writeSynced(temporary, bytes)
    await disk.rename(temporary, path)
  } catch (err) {
    await unlink(temporary).catch(() => {})
    throw err
  }
  await disk.syncFolder(dirname(path))
}

/** Removes what a crash in the middle of `replaceFile` left; what cannot be removed does no harm. */
export async function removeLeftover(path: string): Promise<void> {
  await unlink(`${path}.new`).catch(() => {})
}

/** Makes a folder whose name survives a power cut; one that is there may not have been synced. */
export async function makeFolder(disk: DurableDisk, path: string): Promise<void> {
  await mkdir(path, { recursive: true })
  await disk.syncFolder(dirname(path))
}
