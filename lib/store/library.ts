/**
 * The durable content of a node: `library/{first 2 digits}/{infohash}/{metainfo, ledger, files/}`.
 *
 * Guarantees: a torrent appears whole and durable or not at all, and goes the same way; opening the
 * library reads folder names only; a torrent's files are looked at when it is opened, and nothing is
 * hashed before somebody reads it. A volume that cannot be written still serves what it holds.
 *
 * Beside `library/` lie `staging/` (uploads in the making, gone at the next start), `trash/` (on the
 * way out) and `incomplete/` (see `completeness.ts`).
 */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { AppError } from '../../core/errors.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import { type Metainfo, parseInfo } from '../../core/metainfo.ts'
import type { Log, Service } from '../process/service.ts'
import { adoptPieces } from './adoption.ts'
import { readAhead } from './claims.ts'
import { openCompleteness } from './completeness.ts'
import type { Descriptors } from './descriptors.ts'
import { createDiskJobs, type DiskJobs } from './disk-jobs.ts'
import type { DiskSpace } from './disk-space.ts'
import { createDurableDisk, type DurableDisk, makeFolder, replaceFile } from './durable-disk.ts'
import { startFileWatch } from './file-watch.ts'
import { copyMissing, type LibraryTorrent, openLibraryTorrent } from './library-torrent.ts'
import { openVolume } from './library-volume.ts'
import { type Details, encodeMetainfoFile, readMetainfo, type Sidecar } from './metainfo-file.ts'
import { createPieceFiles } from './piece-files.ts'
import type { PieceStore } from './piece-store.ts'
import type { SharedPieces } from './shared-pieces.ts'
import { createSharedTorrents, type Hold } from './shared-torrents.ts'
import { makeStagingFolder, type Staging, sealStaging, stagedFile } from './staging.ts'
import { writeError } from './store-error.ts'
import { leaseOf } from './stored-pieces.ts'
import { torrentFolders } from './torrent-folders.ts'

export interface Library extends Service {
  /** Every torrent there is, complete or not. */
  list(): Iterable<InfoHash>
  has(infoHash: InfoHash): boolean
  /** Every piece was durable when last looked at; a piece found bad since withdraws this. */
  complete(infoHash: InfoHash): boolean
  /**
   * The store of a torrent, shared by all who open it; each closes what it opened. Undefined when
   * the library does not have it or its metainfo is damaged (`create` mends that).
   */
  open(infoHash: InfoHash): Promise<PieceStore | undefined>
  /** An empty torrent to be fetched, or the one that is there. Rejects with `STORE_FULL`. */
  create(metainfo: Metainfo, sidecar?: Sidecar): Promise<PieceStore>
  /**
   * The torrent as `create` gives it, with every piece that `source`, a cache of this node, has of
   * it. May be repeated for what came meanwhile. Rejects with the signal's reason as well.
   */
  adopt(
    metainfo: Metainfo,
    source: SharedPieces,
    sidecar: Sidecar | undefined,
    signal: AbortSignal
  ): Promise<PieceStore>
  /** A place to write an upload to. `id` is 1 to 64 letters, digits, `-` and `_`, and new. */
  stage(id: string): Promise<Staging>
  details(infoHash: InfoHash): Promise<Details | undefined>
  /** Gone durably when this resolves; blocks are given back in the background. */
  remove(infoHash: InfoHash): Promise<void>
  /** Bytes that may still be written to the volume, its reserve left alone. */
  freeBytes(): Promise<number>
  onComplete(listener: (infoHash: InfoHash) => void): () => void
  /** A complete torrent lost a piece. */
  onIncomplete(listener: (infoHash: InfoHash) => void): () => void
}

export interface LibraryConfig {
  /** Holds `library`, `staging`, `trash` and `incomplete`. */
  readonly folder: string
  /** How often files in use are looked at. */
  readonly watchMs?: number
}

export interface LibraryDeps {
  readonly descriptors: Descriptors
  readonly log: Log
  readonly jobs?: DiskJobs
  readonly disk?: DurableDisk
  /** The volume's room; without it only the disk itself refuses. */
  readonly space?: Pick<DiskSpace, 'look' | 'short'>
}

export async function openLibrary(
  { folder, watchMs }: LibraryConfig,
  deps: LibraryDeps
): Promise<Library> {
  const { descriptors, log, space } = deps
  const { jobs = createDiskJobs(), disk = createDurableDisk(descriptors) } = deps
  const folders = torrentFolders(join(folder, 'library'))
  const volume = await openVolume(folder, log)
  const infoHashes = await folders.scan()
  const known = await openCompleteness(join(folder, 'incomplete'), infoHashes, { disk, log })
  const watch = startFileWatch({ everyMs: watchMs }, { jobs, log })
  const torrents = createSharedTorrents<LibraryTorrent>((torrent) => torrent.close(false))

  async function details(infoHash: InfoHash): Promise<Details | undefined> {
    if (!known.has(infoHash)) return undefined
    const found = await readMetainfo(folders.metainfo(infoHash), infoHash)
    if (found === undefined) log.error({ infoHash }, 'the metainfo of a torrent is damaged')
    return found
  }

  /** Within `exclusively`. */
  async function holdKnown(infoHash: InfoHash): Promise<Hold<LibraryTorrent> | undefined> {
    const active = torrents.get(infoHash)
    if (active !== undefined) return torrents.hold(infoHash, async () => active)
    if (!known.has(infoHash)) return undefined
    const ledger = readAhead(folders.ledger(infoHash))
    const found = await details(infoHash)
    return found && torrents.hold(infoHash, () => activate(parseInfo(found.info), ledger))
  }

  /** Only now is it seen whether the torrent is what its marker says. */
  async function activate(metainfo: Metainfo, ledger: Promise<Buffer>) {
    const torrent = await openLibraryTorrent(metainfo, {
      folders,
      descriptors,
      disk,
      jobs,
      log,
      watch,
      ledger,
      hasRoom: () => space?.short !== true,
      onCommitted: (full) => known.set(metainfo.infoHash, full)
    })
    known.set(metainfo.infoHash, torrent.store.complete)
    return torrent
  }

  async function leaseKnown(infoHash: InfoHash): Promise<PieceStore | undefined> {
    const hold = await holdKnown(infoHash)
    return hold === undefined ? undefined : leaseOf(hold.torrent.store, hold.release)
  }

  async function create(metainfo: Metainfo, sidecar?: Sidecar): Promise<PieceStore> {
    const { infoHash } = metainfo
    if (known.has(infoHash)) {
      const lease = await leaseKnown(infoHash)
      if (lease !== undefined) return lease
      await makeFolder(disk, folders.torrent(infoHash))
      await writeMetainfo(metainfo, sidecar ?? null)
    } else {
      await addEmpty(metainfo, sidecar ?? null)
    }
    const lease = await leaseKnown(infoHash)
    if (lease === undefined) throw new AppError('STORE_FAILED', `${infoHash} did not stay`)
    return lease
  }

  async function adopt(
    metainfo: Metainfo,
    source: SharedPieces,
    sidecar: Sidecar | undefined,
    signal: AbortSignal
  ): Promise<PieceStore> {
    const store = await torrents.exclusively(metainfo.infoHash, () => {
      signal.throwIfAborted()
      return create(metainfo, sidecar)
    })
    try {
      await adoptPieces(store, source, { descriptors, jobs }, signal)
      return store
    } catch (err) {
      await store.close()
      throw err
    }
  }

  async function addEmpty(metainfo: Metainfo, sidecar: Sidecar | null): Promise<void> {
    const { infoHash, geometry } = metainfo
    const staged = join(volume.staging, `${infoHash}-${randomUUID()}`)
    await makeStagingFolder(staged)
    try {
      await sealStaging(staged, metainfo, sidecar, false, disk)
      if (geometry.size > 0) await known.expectIncomplete(infoHash)
      await moveIn(staged, infoHash)
    } catch (err) {
      await discard(staged)
      throw writeError('the new torrent', err)
    }
    known.set(infoHash, geometry.size === 0)
  }

  /** What lies in the place of an unknown torrent is from an attempt that failed at the end. */
  async function moveIn(staged: string, infoHash: InfoHash): Promise<void> {
    await makeFolder(disk, folders.shelf(infoHash))
    await discard(folders.torrent(infoHash))
    await disk.rename(staged, folders.torrent(infoHash))
    await descriptors.forget(staged)
    await disk.syncFolder(folders.shelf(infoHash))
  }

  function writeMetainfo({ infoHash, info }: Metainfo, sidecar: Sidecar | null): Promise<void> {
    const bytes = encodeMetainfoFile({ info, sidecar })
    return replaceFile(disk, folders.metainfo(infoHash), bytes).catch((err) => {
      throw writeError('the metainfo', err)
    })
  }

  async function publish(
    staged: string,
    metainfo: Metainfo,
    sidecar: Sidecar
  ): Promise<'stored' | 'known'> {
    const { infoHash } = metainfo
    const hold = known.has(infoHash) ? await holdKnown(infoHash) : undefined
    if (hold === undefined) {
      await sealStaging(staged, metainfo, sidecar, true, disk)
      if (known.has(infoHash)) await moveOut(infoHash)
      await moveIn(staged, infoHash).catch((err) => {
        throw writeError('the staged torrent', err)
      })
      known.set(infoHash, true)
      return 'stored'
    }
    try {
      await mergeInto(hold.torrent, staged)
      const before = await details(infoHash)
      if (before?.sidecar === null) await writeMetainfo(metainfo, sidecar)
    } finally {
      void hold.release()
    }
    await discard(staged)
    return 'known'
  }

  /** No descriptor may outlive its name: it would keep the blocks, or be taken for a new file. */
  async function discard(path: string): Promise<void> {
    await volume.discard(path)
    await descriptors.forget(path)
  }

  /** A known but incomplete torrent takes what it lacks from the staged copy. */
  async function mergeInto(torrent: LibraryTorrent, staged: string): Promise<void> {
    if (torrent.store.complete) return torrent.store.flush()
    const { shared } = torrent.store
    const layout = { ...shared.layout, folder: join(staged, 'files') }
    const source = createPieceFiles({ ...shared, layout }, descriptors)
    try {
      await copyMissing(torrent, source)
    } finally {
      await source.release()
    }
  }

  async function moveOut(infoHash: InfoHash): Promise<void> {
    await discard(folders.torrent(infoHash))
    await disk.syncFolder(folders.shelf(infoHash))
    known.delete(infoHash)
  }

  async function remove(infoHash: InfoHash): Promise<void> {
    if (!known.has(infoHash)) return
    await torrents.take(infoHash)?.close(true)
    await moveOut(infoHash).catch((err) => {
      throw writeError('the library', err)
    })
  }

  async function stage(id: string): Promise<Staging> {
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(id)) throw new RangeError(`not a staging id: ${id}`)
    const staged = join(volume.staging, id)
    await makeStagingFolder(staged)
    return {
      folder: staged,
      filePath: (index) => stagedFile(staged, index),
      publish: (metainfo, sidecar) =>
        torrents.exclusively(metainfo.infoHash, () => publish(staged, metainfo, sidecar)),
      discard: () => discard(staged)
    }
  }

  return {
    name: 'library',
    list: known.list,
    has: known.has,
    complete: known.isComplete,
    open: (infoHash) => torrents.exclusively(infoHash, () => leaseKnown(infoHash)),
    create: (metainfo, sidecar) =>
      torrents.exclusively(metainfo.infoHash, () => create(metainfo, sidecar)),
    adopt,
    stage,
    details,
    remove: (infoHash) => torrents.exclusively(infoHash, () => remove(infoHash)),
    freeBytes: async () => Math.max(0, (await space?.look()) ?? (await volume.freeBytes())),
    onComplete: (listener) => known.onChange((one, complete) => complete && listener(one)),
    onIncomplete: (listener) => known.onChange((one, complete) => complete || listener(one)),
    async close() {
      await watch.close()
      await torrents.close()
      await known.settled()
      await volume.settled()
    }
  }
}
