/**
 * The bounded cache of a node: extents of torrents, on disk, that may go at any time.
 *
 * `cache/{first 2 digits}/{infohash}/{metainfo, ledger, files/{extent}}`. An extent is whole pieces,
 * at least 8 MiB, a sparse file that counts in full from the moment room is set aside for it; the
 * metainfo counts too. The main thread owns budget, order and pins. A torrent whose last extent goes
 * while nobody has it open goes with it.
 *
 * On a volume that runs short the limit is what still fits; the cache gives way to what must stay.
 * Survives a restart: what is there is claimed as the ledgers say, and hashed when first read.
 */
import { mkdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../core/errors.ts'
import type { ByteSpan, PieceSpan } from '../../core/geometry.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import type { Metainfo } from '../../core/metainfo.ts'
import type { Log, Service } from '../process/service.ts'
import { createCacheBudget, type Extent, type Reservation } from './cache-budget.ts'
import { createCacheFolder } from './cache-folder.ts'
import { type CachedTorrent, scanCache } from './cache-index.ts'
import { type CacheTorrent, openCacheTorrent } from './cache-torrent.ts'
import type { Descriptors } from './descriptors.ts'
import { createDiskJobs, type DiskJobs } from './disk-jobs.ts'
import type { DiskSpace } from './disk-space.ts'
import { createUnsyncedDisk, type DurableDisk } from './durable-disk.ts'
import { encodeMetainfoFile, readMetainfo } from './metainfo-file.ts'
import type { PieceStore } from './piece-store.ts'
import { equalStarts, extentLengthFor, segmentSpan } from './segments.ts'
import { createSharedTorrents, type Hold } from './shared-torrents.ts'
import { systemCode, writeError } from './store-error.ts'
import { leaseOf } from './stored-pieces.ts'
import { openTrash, torrentFolders } from './torrent-folders.ts'

export interface Cache extends Service {
  /** Bytes set aside: extents in full, and metainfo. */
  readonly usedBytes: number
  /** Extents evicted since the start. */
  readonly evictions: number
  has(infoHash: InfoHash): boolean
  /**
   * The store of a torrent, shared by all who open it; each closes what it opened. Readers pin
   * first, then look whether the pieces are there. Rejects with `STORE_FULL`.
   */
  open(metainfo: Metainfo): Promise<PieceStore>
  /** The info dictionary kept with a torrent; undefined when there is none or it is damaged. */
  metainfo(infoHash: InfoHash): Promise<Uint8Array | undefined>
  /** Forgets everything of a torrent, pinned or not. */
  drop(infoHash: InfoHash): Promise<void>
}

export interface CacheConfig {
  /** Holds `cache` and `trash`. */
  readonly folder: string
  readonly limitBytes: number
}

export interface CacheDeps {
  readonly descriptors: Descriptors
  readonly log: Log
  /** Asks the engine to forget pieces; resolves when it uses none of them any more. */
  readonly evict: (infoHash: InfoHash, pieces: PieceSpan) => Promise<void>
  readonly jobs?: DiskJobs
  readonly disk?: DurableDisk
  /** Without it only `limitBytes` bounds the cache. */
  readonly space?: Pick<DiskSpace, 'roomBytes' | 'onLook'>
}

const LOW_MARK = 0.9
/** Kept even when others fill the disk, out of its reserve: a gateway must be able to fetch. */
const LEAST_BYTES = 64 * 2 ** 20
const NEVER = new AbortController().signal

export async function openCache(
  { folder, limitBytes }: CacheConfig,
  {
    descriptors,
    log,
    evict,
    jobs = createDiskJobs(),
    disk = createUnsyncedDisk(),
    space
  }: CacheDeps
): Promise<Cache> {
  const folders = torrentFolders(join(folder, 'cache'))
  await mkdir(folders.root, { recursive: true })
  const trash = await openTrash(join(folder, 'trash'), log)
  const found = await scanCache(folders)
  const index = new Map(found.torrents.map((torrent) => [torrent.infoHash, torrent]))
  const torrents = createSharedTorrents<CacheTorrent>(closeTorrent)
  const budget = createCacheBudget({ limitBytes, lowMark: LOW_MARK }, { evict: evictExtent, log })
  for (const infoHash of found.worthless) await trash.take(folders.torrent(infoHash), infoHash)
  budget.restore(
    found.torrents.flatMap(({ extents }) => [...extents.values()]),
    found.torrents.reduce((sum, { metainfoBytes }) => sum + metainfoBytes, 0)
  )
  const stopFitting = space?.onLook(fitVolume)
  fitVolume()

  function fitVolume(): void {
    const fitting = budget.usedBytes + (space?.roomBytes ?? Infinity)
    budget.resize(Math.min(limitBytes, Math.max(LEAST_BYTES, fitting)))
  }

  function evictExtent(extent: Extent): Promise<void> {
    const { infoHash } = extent
    return torrents.exclusively(infoHash, async () => {
      const torrent = index.get(infoHash)
      if (torrent?.extents.get(extent.index) !== extent) return
      await torrents.get(infoHash)?.letGo(extent.index)
      await removeExtent(torrent, extent)
      if (torrents.get(infoHash) === undefined) await removeIfEmpty(torrent)
    })
  }

  /** Unlinked first: whatever opened the file before `forget` is closed by it. */
  async function removeExtent(torrent: CachedTorrent, extent: Extent): Promise<void> {
    const path = join(folders.files(extent.infoHash), String(extent.index))
    await unlink(path).catch((err) => {
      if (systemCode(err) !== 'ENOENT') throw writeError('the cache', err)
    })
    await descriptors.forget(path)
    torrent.extents.delete(extent.index)
  }

  async function removeIfEmpty(torrent: CachedTorrent): Promise<void> {
    if (torrent.extents.size === 0) await removeTorrent(torrent)
  }

  async function removeTorrent(torrent: CachedTorrent): Promise<void> {
    const { infoHash, metainfoBytes, extents } = torrent
    await torrent.folder.settled()
    await trash.take(folders.torrent(infoHash), infoHash).catch((err) => {
      if (systemCode(err) !== 'ENOENT') throw writeError('the cache', err)
    })
    await descriptors.forget(folders.torrent(infoHash))
    index.delete(infoHash)
    for (const extent of extents.values()) budget.remove(extent)
    extents.clear()
    budget.release(metainfoBytes)
  }

  async function closeTorrent(torrent: CacheTorrent): Promise<void> {
    await torrent.close(false)
    const cached = index.get(torrent.store.infoHash)
    if (cached !== undefined) await removeIfEmpty(cached)
  }

  async function open(metainfo: Metainfo): Promise<PieceStore> {
    const file = encodeMetainfoFile({ info: metainfo.info, sidecar: null })
    for (;;) {
      const bytes = index.has(metainfo.infoHash) ? 0 : file.byteLength
      const room = bytes === 0 ? undefined : await budget.reserve(bytes, NEVER)
      const hold = await torrents
        .exclusively(metainfo.infoHash, () => take(metainfo, file, room))
        .finally(() => room?.release())
      if (hold !== undefined) return cacheLease(hold)
    }
  }

  /** Undefined when the torrent left meanwhile and no room was set aside to add it again. */
  async function take(
    metainfo: Metainfo,
    file: Buffer,
    room: Reservation | undefined
  ): Promise<Hold<CacheTorrent> | undefined> {
    const { infoHash } = metainfo
    if (!index.has(infoHash)) {
      if (room === undefined) return undefined
      addTorrent(infoHash, file)
      room.keep()
    }
    try {
      return await torrents.hold(infoHash, () => openTorrent(metainfo))
    } catch (err) {
      const cached = index.get(infoHash)
      if (cached !== undefined) await removeIfEmpty(cached)
      throw err
    }
  }

  function addTorrent(infoHash: InfoHash, file: Buffer): void {
    const folder = createCacheFolder(folders, infoHash, file, log)
    index.set(infoHash, { infoHash, metainfoBytes: file.byteLength, folder, extents: new Map() })
  }

  async function openTorrent(metainfo: Metainfo): Promise<CacheTorrent> {
    const { infoHash, geometry } = metainfo
    const cached = index.get(infoHash)
    if (cached === undefined) throw new AppError('STORE_FAILED', `${infoHash} is not in the cache`)
    const starts = equalStarts(geometry.size, extentLengthFor(geometry.pieceLength))
    for (const extent of cached.extents.values()) {
      const { start, end } = segmentSpan(starts, extent.index)
      if (extent.bytes === end - start) continue
      await removeExtent(cached, extent)
      budget.remove(extent)
    }
    const exclusively = <R>(job: () => Promise<R>) => torrents.exclusively(infoHash, job)
    const deps = { folders, budget, descriptors, disk, jobs, log, evict, exclusively }
    return openCacheTorrent(metainfo, cached, deps)
  }

  async function drop(infoHash: InfoHash): Promise<void> {
    const torrent = torrents.take(infoHash)
    torrent?.clear()
    await torrent?.close(true)
    const cached = index.get(infoHash)
    if (cached !== undefined) await removeTorrent(cached)
  }

  return {
    name: 'cache',
    get usedBytes() {
      return budget.usedBytes
    },
    get evictions() {
      return budget.evictions
    },
    has: (infoHash) => index.has(infoHash),
    open,
    metainfo: async (infoHash) =>
      index.has(infoHash)
        ? (await readMetainfo(folders.metainfo(infoHash), infoHash))?.info
        : undefined,
    drop: (infoHash) => torrents.exclusively(infoHash, () => drop(infoHash)),
    async close() {
      stopFitting?.()
      await budget.settled()
      await torrents.close()
      await trash.settled()
    }
  }
}

function cacheLease({ torrent, release }: Hold<CacheTorrent>): PieceStore {
  const lease = leaseOf(torrent.store, release)
  return Object.assign(lease, {
    pin: torrent.pin,
    read(span: ByteSpan, target: Uint8Array, signal: AbortSignal) {
      torrent.touch(span)
      return torrent.store.read(span, target, signal)
    }
  })
}
