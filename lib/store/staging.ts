/**
 * A torrent in the making: the folder an upload is written into, and the moment it becomes part of
 * the library. Nothing of it is visible before `publish` has made it durable.
 */
import { mkdir, open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Bitfield } from '../../core/bitfield.ts'
import { AppError } from '../../core/errors.ts'
import type { Metainfo } from '../../core/metainfo.ts'
import { boundedEach } from './bounded-each.ts'
import type { DurableDisk } from './durable-disk.ts'
import { encodeLedger, type SegmentRecord } from './ledger.ts'
import { recordOf } from './ledger-keeper.ts'
import { encodeMetainfoFile, type Sidecar } from './metainfo-file.ts'
import { writeError } from './store-error.ts'

export interface Staging {
  readonly folder: string
  /** Where file `index` of the metainfo is to be written. The folder exists, the file does not. */
  filePath(index: number): string
  /**
   * Makes the torrent durable and part of the library. `known` when the library has it already:
   * what was staged is then used only for what it lacked. The staging is gone either way.
   * Rejects with `STORE_FAILED` when a file is not of the size the metainfo says, `STORE_FULL`.
   */
  publish(metainfo: Metainfo, sidecar: Sidecar): Promise<'stored' | 'known'>
  /** Unlinks everything. May be called twice, and after `publish`. */
  discard(): Promise<void>
}

const FILES_AT_ONCE = 4

export function stagedFile(folder: string, index: number): string {
  return join(folder, 'files', String(index))
}

/** Makes the folder of a torrent in the making. Rejects if `folder` exists. */
export async function makeStagingFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder)
    await mkdir(join(folder, 'files'))
  } catch (err) {
    throw writeError('the staging folder', err)
  }
}

/** Completes a staging folder so that renaming it makes a whole, durable torrent. */
export async function sealStaging(
  folder: string,
  metainfo: Metainfo,
  sidecar: Sidecar | null,
  filled: boolean,
  disk: DurableDisk
): Promise<void> {
  const { infoHash, geometry, info } = metainfo
  const records = new Map<number, SegmentRecord>()
  const have = new Bitfield(geometry.pieceCount)
  try {
    await boundedEach(metainfo.files, FILES_AT_ONCE, async ({ index, size }) => {
      const file = stagedFile(folder, index)
      if (filled && size > 0) await expectSize(file, size)
      else await makeSparse(file, size)
      await disk.syncData(file)
      records.set(index, await recordOf(file))
    })
    if (filled) for (let index = 0; index < geometry.pieceCount; index++) have.set(index)
    const identity = {
      infoHash,
      pieceCount: geometry.pieceCount,
      segmentCount: metainfo.files.length
    }
    await disk.syncFolder(join(folder, 'files'))
    await disk.writeSynced(join(folder, 'metainfo'), encodeMetainfoFile({ info, sidecar }))
    const ledger = encodeLedger(identity, { have: have.bytes, records })
    await disk.writeSynced(join(folder, 'ledger'), ledger)
    await disk.syncFolder(folder)
  } catch (err) {
    throw writeError('the staged torrent', err)
  }
}

async function expectSize(file: string, expected: number): Promise<void> {
  const { size } = await stat(file)
  if (size === expected) return
  throw new AppError('STORE_FAILED', `a staged file has ${size} of ${expected} bytes`)
}

/** Gives a file its size, whatever it has now; what it lacks reads as zeros and takes no room. */
export async function makeSparse(file: string, size: number): Promise<void> {
  const handle = await open(file, 'a', 0o644)
  try {
    await handle.truncate(size)
  } finally {
    await handle.close()
  }
}
