/**
 * The folder of one cached torrent, made while those who opened the torrent go on.
 *
 * What is fetched waits for the folder alone. The metainfo in it is for the next life of the
 * process: it is written in the background, and a folder without it is worth nothing at the next
 * start, which is what an interrupted attempt leaves.
 */
import { mkdir, rename, writeFile } from 'node:fs/promises'
import type { InfoHash } from '../../core/info-hash.ts'
import type { Log } from '../process/service.ts'
import { systemCode, writeError } from './store-error.ts'
import type { TorrentFolders } from './torrent-folders.ts'

export interface CacheFolder {
  /** Resolves when files can be made in it. Rejects with an `AppError`; the next call tries again. */
  ready(): Promise<void>
  /** Resolves when nothing is being made in it. Never rejects. */
  settled(): Promise<void>
}

/** A folder that an earlier life has left. */
export const FOUND_FOLDER: CacheFolder = { ready: async () => {}, settled: async () => {} }

/** Begins to make the folder. @param file the bytes of its `metainfo` */
export function createCacheFolder(
  folders: TorrentFolders,
  infoHash: InfoHash,
  file: Uint8Array,
  log: Log
): CacheFolder {
  let making: Promise<void> | undefined
  let writing: Promise<void> = Promise.resolve()
  ready().catch(() => {})

  function ready(): Promise<void> {
    making ??= make().catch((err) => {
      making = undefined
      throw writeError('the folder of a torrent', err)
    })
    return making
  }

  async function make(): Promise<void> {
    await makeStep(folders.torrent(infoHash))
    await makeStep(folders.files(infoHash))
    writing = writeMetainfo()
  }

  async function writeMetainfo(): Promise<void> {
    const path = folders.metainfo(infoHash)
    try {
      await writeFile(`${path}.new`, file)
      await rename(`${path}.new`, path)
    } catch (err) {
      log.warn({ err, infoHash }, 'the metainfo of a cached torrent could not be written')
    }
  }

  return {
    ready,
    async settled() {
      await making?.catch(() => {})
      await writing
    }
  }
}

/** One call of the system where the folder above is there, as it nearly always is. */
async function makeStep(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (err) {
    if (systemCode(err) === 'ENOENT') await mkdir(path, { recursive: true })
    else if (systemCode(err) !== 'EEXIST') throw err
  }
}
