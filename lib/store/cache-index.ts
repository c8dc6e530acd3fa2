/**
 * What a cache finds on its disk at start: which torrents, which extents, how big, how long unused.
 *
 * Names, sizes and times only; nothing is hashed. A torrent without metainfo or without an extent is
 * worth nothing and is reported as such.
 */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { InfoHash } from '../../core/info-hash.ts'
import { boundedEach } from './bounded-each.ts'
import type { Extent } from './cache-budget.ts'
import { type CacheFolder, FOUND_FOLDER } from './cache-folder.ts'
import { removeLeftover } from './durable-disk.ts'
import { decodeSoundLedger } from './ledger.ts'
import type { TorrentFolders } from './torrent-folders.ts'

export interface CachedTorrent {
  readonly infoHash: InfoHash
  /** Size of the file `metainfo`, which counts against the budget. */
  readonly metainfoBytes: number
  readonly folder: CacheFolder
  /** By segment. */
  readonly extents: Map<number, Extent>
}

export interface CacheIndex {
  readonly torrents: readonly CachedTorrent[]
  readonly worthless: readonly InfoHash[]
}

const TORRENTS_AT_ONCE = 8

export async function scanCache(folders: TorrentFolders): Promise<CacheIndex> {
  const torrents: CachedTorrent[] = []
  const worthless: InfoHash[] = []
  await boundedEach(await folders.scan(), TORRENTS_AT_ONCE, async (infoHash) => {
    const torrent = await scanTorrent(folders, infoHash).catch(() => undefined)
    if (torrent === undefined || torrent.extents.size === 0) worthless.push(infoHash)
    else torrents.push(torrent)
  })
  return { torrents, worthless }
}

async function scanTorrent(folders: TorrentFolders, infoHash: InfoHash): Promise<CachedTorrent> {
  const { size: metainfoBytes } = await stat(folders.metainfo(infoHash))
  const folder = folders.files(infoHash)
  await removeLeftover(folders.ledger(infoHash))
  const ledger = await readFile(folders.ledger(infoHash)).then(decodeSoundLedger, () => undefined)
  const extents = new Map<number, Extent>()
  for (const name of await readdir(folder)) {
    if (!/^(0|[1-9]\d{0,9})$/.test(name)) continue
    const index = Number(name)
    const record = ledger?.records.get(index)
    const { size, mtimeMs } = await stat(join(folder, name))
    const usedAt = record?.usedAt ?? Math.floor(mtimeMs)
    extents.set(index, { infoHash, index, bytes: size, usedAt, pins: 0, evicting: undefined })
  }
  return { infoHash, metainfoBytes, folder: FOUND_FOLDER, extents }
}
