/**
 * One torrent of the cache in use: its shared store and its extents, made, pinned and let go.
 *
 * An extent is written to only while it is resident. Letting one go takes three steps that readers
 * and engines in other threads cannot race: its bits and its residency are cleared, then the engine
 * confirms that nothing of it is in use, then the bits are cleared again of what was on its way.
 */
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { Bitfield } from '../../core/bitfield.ts'
import { AppError } from '../../core/errors.ts'
import { type ByteSpan, type PieceSpan, piecesOf } from '../../core/geometry.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import type { Metainfo } from '../../core/metainfo.ts'
import { abortable } from '../process/abortable.ts'
import type { Log } from '../process/service.ts'
import type { CacheBudget, Extent, Reservation } from './cache-budget.ts'
import type { CacheFolder } from './cache-folder.ts'
import type { CachedTorrent } from './cache-index.ts'
import { claim } from './claims.ts'
import type { Descriptors } from './descriptors.ts'
import type { DiskJobs } from './disk-jobs.ts'
import type { DurableDisk } from './durable-disk.ts'
import type { LedgerContent } from './ledger.ts'
import { createLedgerKeeper } from './ledger-keeper.ts'
import { PieceBits } from './piece-bits.ts'
import { createPieceFiles } from './piece-files.ts'
import { equalStarts, extentLengthFor, segmentSpan, segmentsOf } from './segments.ts'
import { writeError } from './store-error.ts'
import { createStoredPieces, type StoredPieces } from './stored-pieces.ts'
import type { TorrentFolders } from './torrent-folders.ts'

export interface CacheTorrentDeps {
  readonly folders: TorrentFolders
  readonly budget: CacheBudget
  readonly descriptors: Descriptors
  readonly disk: DurableDisk
  readonly jobs: DiskJobs
  readonly log: Log
  /** Resolves when the engine has let go of the pieces. */
  readonly evict: (infoHash: InfoHash, pieces: PieceSpan) => Promise<void>
  /** Runs a job when nothing else is being done to the torrent. */
  readonly exclusively: <R>(job: () => Promise<R>) => Promise<R>
}

export interface CacheTorrent {
  readonly store: StoredPieces
  /** See `PieceStore.pin`. */
  pin(span: ByteSpan, signal: AbortSignal): Promise<Disposable>
  /** Marks the extents of `span` as used now. */
  touch(span: ByteSpan): void
  /** Resolves when nothing of the extent is in use and none of its pieces is there. */
  letGo(index: number): Promise<void>
  /** Clears every bit, now: the torrent is going away. */
  clear(): void
  close(abandoned: boolean): Promise<void>
}

/** An extent on its way, which its future users have pinned already. */
interface Making {
  readonly extent: Extent
  readonly made: Promise<void>
}

const NEVER = new AbortController().signal
/** An engine that has not let go by then keeps the extent, and the budget with it. */
const EVICT_WITHIN_MS = 10_000

export async function openCacheTorrent(
  metainfo: Metainfo,
  { extents, folder }: CachedTorrent,
  deps: CacheTorrentDeps
): Promise<CacheTorrent> {
  const { folders, budget, descriptors, disk, jobs, log, exclusively } = deps
  const { infoHash, geometry } = metainfo
  const { size, pieceLength, pieceCount } = geometry
  const starts = equalStarts(size, extentLengthFor(pieceLength))
  const layout = { folder: folders.files(infoHash), starts, kind: 'cache' as const }
  const segmentCount = starts.length - 1
  const memory = PieceBits.allocate(pieceCount, segmentCount)
  const shared = { layout, size, pieceLength, bits: memory }
  const bits = new PieceBits(memory, pieceCount, segmentCount)
  for (const index of extents.keys()) bits.setResident(index, true)

  const identity = { infoHash, pieceCount, segmentCount }
  const base = { path: folders.ledger(infoHash), identity, geometry, layout }
  // Where no file is there is nothing to claim, whatever a ledger says.
  const content = extents.size === 0 ? nothingOf(pieceCount) : (await claim(base, bits)).content
  const keeper = createLedgerKeeper(
    { ...base, content },
    {
      bits,
      disk: withFolder(disk, folder),
      log,
      usedAt: (segment) => extents.get(segment)?.usedAt ?? 0,
      onCommitted: () => {}
    }
  )
  const files = createPieceFiles(shared, descriptors)
  const store = createStoredPieces(
    { metainfo, kind: 'cache', shared },
    { bits, files, keeper, jobs, log }
  )
  const making = new Map<number, Making>()
  let ended = false

  const piecesIn = (index: number) => piecesOf(geometry, segmentSpan(starts, index))

  function clearExtent(index: number): void {
    bits.setResident(index, false)
    const pieces = piecesIn(index)
    for (let piece = pieces.first; piece < pieces.end; piece++) bits.clear(piece)
  }

  /** Sets room aside and makes the sparse file; several who want it share one attempt. */
  function make(index: number): Making {
    const { start, end } = segmentSpan(starts, index)
    const bytes = end - start
    const extent = { infoHash, index, bytes, usedAt: Date.now(), pins: 0, evicting: undefined }
    const attempt = { extent, made: makeExtent(extent).finally(() => making.delete(index)) }
    making.set(index, attempt)
    return attempt
  }

  async function makeExtent(extent: Extent): Promise<void> {
    const room = await budget.reserve(extent.bytes, NEVER)
    try {
      await exclusively(() => addExtent(extent, room))
    } catch (err) {
      room.release()
      throw writeError('an extent', err)
    }
  }

  async function addExtent(extent: Extent, room: Reservation): Promise<void> {
    if (ended) throw new AppError('SHUTTING_DOWN', 'the torrent was closed')
    await folder.ready()
    await makeSparse(join(layout.folder, String(extent.index)), extent.bytes)
    bits.setResident(extent.index, true)
    extents.set(extent.index, extent)
    room.keep(extent)
  }

  async function pinExtent(index: number, signal: AbortSignal): Promise<Extent> {
    for (;;) {
      signal.throwIfAborted()
      const extent = extents.get(index)
      if (extent === undefined) return pinNew(making.get(index) ?? make(index), signal)
      if (extent.evicting === undefined && bits.resident(index)) {
        extent.pins++
        return extent
      }
      await abortable(budget.evict(extent), signal)
    }
  }

  /** Pinned from before it is there: nobody can evict it in between. */
  async function pinNew({ extent, made }: Making, signal: AbortSignal): Promise<Extent> {
    extent.pins++
    try {
      await abortable(made, signal)
      return extent
    } catch (err) {
      extent.pins--
      throw err
    }
  }

  function unpin(extent: Extent): void {
    extent.pins--
    budget.touch(extent)
  }

  async function pin(span: ByteSpan, signal: AbortSignal): Promise<Disposable> {
    const attempts = [...segmentsOf(starts, span)].map((index) => pinExtent(index, signal))
    const outcomes = await Promise.allSettled(attempts)
    const pinned = outcomes.flatMap((outcome) =>
      outcome.status === 'fulfilled' ? [outcome.value] : []
    )
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue
      for (const extent of pinned) unpin(extent)
      throw outcome.reason
    }
    for (const extent of pinned) budget.touch(extent)
    return {
      [Symbol.dispose]() {
        for (const extent of pinned.splice(0)) unpin(extent)
      }
    }
  }

  return {
    store,
    pin,
    touch(span) {
      for (const index of segmentsOf(starts, span)) {
        const extent = extents.get(index)
        if (extent !== undefined) budget.touch(extent)
      }
      keeper.noteUse()
    },
    async letGo(index) {
      clearExtent(index)
      await abortable(deps.evict(infoHash, piecesIn(index)), AbortSignal.timeout(EVICT_WITHIN_MS))
      clearExtent(index)
      keeper.forgetSegment(index, piecesIn(index))
    },
    clear() {
      ended = true
      for (const index of extents.keys()) clearExtent(index)
    },
    async close(abandoned) {
      ended = true
      await folder.settled()
      if (abandoned) await keeper.abandon()
      await store.close()
    }
  }
}

/** The ledger may be the first file to be written. */
function withFolder(disk: DurableDisk, folder: CacheFolder): DurableDisk {
  return {
    ...disk,
    async writeSynced(path, bytes) {
      await folder.ready()
      await disk.writeSynced(path, bytes)
    }
  }
}

function nothingOf(pieceCount: number): LedgerContent {
  return { have: new Bitfield(pieceCount).bytes, records: new Map() }
}

async function makeSparse(path: string, bytes: number): Promise<void> {
  const handle = await open(path, 'w', 0o644)
  try {
    await handle.truncate(bytes)
  } finally {
    await handle.close()
  }
}
