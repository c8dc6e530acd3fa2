/**
 * The file an upload is written to, block after block.
 *
 * Guarantees: one write at a time per file; what is written is on its way to the disk from early
 * on (`fdatasync` every 64 MiB, in the background), so that little is left to wait for after the
 * last byte; at most 256 MiB are written ahead of the disk. The last sync is the library's, as
 * part of publishing.
 */
import { open } from 'node:fs/promises'
import type { DiskJobs } from '../../lib/store/disk-jobs.ts'
import { writeError } from '../../lib/store/store-error.ts'
import { writeFully } from '../../lib/store/write-fully.ts'

const SYNC_BYTES = 64 * 2 ** 20
const MAX_UNSYNCED_BYTES = 4 * SYNC_BYTES

export interface StagedFile {
  /**
   * Resolves when the bytes are written, in the order of the calls; they must not change before.
   * @throws AppError STORE_FULL or STORE_FAILED; every later call then fails likewise.
   */
  append(bytes: Uint8Array): Promise<void>
  /** Resolves when nothing is under way. @throws the error of any write or sync so far. */
  settled(): Promise<void>
  /** Resolves when nothing uses the file any more. */
  close(): Promise<void>
}

/** Makes the file, which must not exist. Disk jobs that wait end with `signal`. */
export async function createStagedFile(
  path: string,
  disk: Pick<DiskJobs, 'run'>,
  signal: AbortSignal
): Promise<StagedFile> {
  const handle = await open(path, 'wx').catch(refuse)
  let tail = Promise.resolve()
  let syncing = Promise.resolve()
  let written = 0
  let syncedTo = 0
  let synced = 0

  async function write(bytes: Uint8Array): Promise<void> {
    if (written - synced > MAX_UNSYNCED_BYTES) await syncing
    await disk.run('ingest', signal, () => writeFully(handle, bytes, written))
    written += bytes.byteLength
    if (written - syncedTo >= SYNC_BYTES) syncLater()
  }

  function syncLater(): void {
    const end = written
    syncedTo = end
    syncing = syncing.then(async () => {
      await disk.run('ingest', signal, () => handle.datasync())
      synced = end
    })
    syncing.catch(() => {})
  }

  return {
    append(bytes) {
      const next = tail.then(() => write(bytes)).catch(refuse)
      tail = next
      next.catch(() => {})
      return next
    },
    async settled() {
      await tail
      await syncing.catch(refuse)
    },
    async close() {
      await Promise.allSettled([tail, syncing])
      await handle.close()
    }
  }
}

function refuse(err: unknown): never {
  throw writeError('the upload', err)
}
