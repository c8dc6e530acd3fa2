/**
 * Where torrents lie below a root: `{root}/{first 2 digits}/{infohash}/{metainfo, ledger, files/}`,
 * the same for the library and the cache. No name of a user or a torrent reaches the file system.
 *
 * A folder appears by rename and goes by rename into `trash` beside the root, where it is unlinked
 * in its own time; what an earlier life left in the trash is unlinked too.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type InfoHash, parseInfoHash } from '../../core/info-hash.ts'
import type { Log } from '../process/service.ts'
import { boundedEach } from './bounded-each.ts'
import { systemCode } from './store-error.ts'

export interface TorrentFolders {
  readonly root: string
  /** The folder whose entries are the torrents of the same first two digits. */
  shelf(infoHash: InfoHash): string
  torrent(infoHash: InfoHash): string
  metainfo(infoHash: InfoHash): string
  ledger(infoHash: InfoHash): string
  files(infoHash: InfoHash): string
  /** Every torrent there is, by folder names alone. */
  scan(): Promise<InfoHash[]>
}

export function torrentFolders(root: string): TorrentFolders {
  const shelf = (infoHash: InfoHash) => join(root, infoHash.slice(0, 2))
  const torrent = (infoHash: InfoHash) => join(shelf(infoHash), infoHash)
  return {
    root,
    shelf,
    torrent,
    metainfo: (infoHash) => join(torrent(infoHash), 'metainfo'),
    ledger: (infoHash) => join(torrent(infoHash), 'ledger'),
    files: (infoHash) => join(torrent(infoHash), 'files'),
    async scan() {
      const found: InfoHash[] = []
      const shelves = (await readdir(root)).filter((name) => /^[0-9a-f]{2}$/.test(name))
      await boundedEach(shelves, 8, async (name) => {
        for (const entry of await subfolders(join(root, name))) {
          const infoHash = parseInfoHash(entry)
          if (infoHash === entry && entry.startsWith(name)) found.push(infoHash)
        }
      })
      return found
    }
  }
}

/** The folders in a folder; nothing in what is no folder. A stray file is no torrent. */
async function subfolders(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  } catch (err) {
    if (systemCode(err) === 'ENOTDIR') return []
    throw err
  }
}

export interface Trash {
  /** Moves a folder away at once and unlinks it in the background. Rejects if it cannot move. */
  take(folder: string, name: string): Promise<void>
  /** Resolves when nothing is being unlinked. */
  settled(): Promise<void>
}

/** Makes the trash folder and begins to empty it of what an earlier life left. */
export async function openTrash(folder: string, log: Log): Promise<Trash> {
  const emptying = new Set<Promise<void>>()
  await mkdir(folder, { recursive: true })
  const left = await readdir(folder)
  for (const name of left) empty(join(folder, name))

  function empty(path: string): void {
    const done = rm(path, { recursive: true, force: true })
      .catch((err) => log.error({ err }, 'a deleted folder could not be unlinked'))
      .finally(() => emptying.delete(done))
    emptying.add(done)
  }

  return {
    async take(path, name) {
      const to = join(folder, `${name}.${randomUUID()}`)
      await rename(path, to)
      empty(to)
    },
    async settled() {
      while (emptying.size > 0) await Promise.all(emptying)
    }
  }
}
