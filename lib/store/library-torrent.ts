/**
 * One torrent of the library in use: its shared store, and the search for content whose ledger was
 * lost. The library owns when it is opened and closed.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pieceSpan } from '../../core/geometry.ts'
import type { Metainfo } from '../../core/metainfo.ts'
import type { Log } from '../process/service.ts'
import { claim } from './claims.ts'
import type { Descriptors } from './descriptors.ts'
import type { DiskJobs } from './disk-jobs.ts'
import { type DurableDisk, removeLeftover } from './durable-disk.ts'
import type { FileWatch } from './file-watch.ts'
import { createLedgerKeeper } from './ledger-keeper.ts'
import { PieceBits } from './piece-bits.ts'
import { createPieceFiles, type PieceFiles } from './piece-files.ts'
import type { Layout } from './shared-pieces.ts'
import { makeSparse } from './staging.ts'
import { createStoredPieces, type StoredPieces } from './stored-pieces.ts'
import type { TorrentFolders } from './torrent-folders.ts'

export interface LibraryTorrentDeps {
  readonly folders: TorrentFolders
  readonly descriptors: Descriptors
  readonly disk: DurableDisk
  readonly jobs: DiskJobs
  readonly log: Log
  readonly watch: Pick<FileWatch, 'add'>
  /** Whether the volume may take more content. */
  readonly hasRoom: () => boolean
  /** The bytes of the ledger, if they are being read already. */
  readonly ledger?: Promise<Buffer>
  /** After a commit of the ledger: whether the torrent is complete on the medium. */
  readonly onCommitted: (full: boolean) => void
}

export interface LibraryTorrent {
  readonly store: StoredPieces
  readonly files: PieceFiles
  readonly bits: PieceBits
  /** Ends the store; the ledger gets its last word unless `abandoned`. */
  close(abandoned: boolean): Promise<void>
}

/** The layout of a library torrent: a segment per file, at its place in the torrent. */
export function libraryLayout(metainfo: Metainfo, folder: string): Layout {
  const starts = Float64Array.from([
    ...metainfo.files.map(({ offset }) => offset),
    metainfo.geometry.size
  ])
  return { folder, starts, kind: 'library' }
}

/** Opens the store with the claims of its ledger. Nothing is hashed before it resolves. */
export async function openLibraryTorrent(
  metainfo: Metainfo,
  deps: LibraryTorrentDeps
): Promise<LibraryTorrent> {
  const { folders, descriptors, disk, jobs, log, watch, hasRoom, onCommitted } = deps
  const { infoHash, geometry } = metainfo
  const { size, pieceLength, pieceCount } = geometry
  const layout = libraryLayout(metainfo, folders.files(infoHash))
  const memory = PieceBits.allocate(pieceCount, 0)
  const shared = { layout, size, pieceLength, bits: memory }
  const bits = new PieceBits(memory, pieceCount, 0)
  const identity = { infoHash, pieceCount, segmentCount: metainfo.files.length }
  const base = { path: folders.ledger(infoHash), identity, geometry, layout }
  const [{ content, hints }] = await Promise.all([
    claim({ ...base, ledger: deps.ledger, mend }, bits),
    removeLeftover(folders.metainfo(infoHash))
  ])
  const keeper = createLedgerKeeper(
    { ...base, content },
    { bits, disk, log, usedAt: () => 0, onCommitted }
  )
  const files = createPieceFiles(shared, descriptors)
  const store = createStoredPieces(
    { metainfo, kind: 'library', shared },
    { bits, files, keeper, jobs, log, hasRoom }
  )
  const unwatch = watch.add({
    fileCount: metainfo.files.length,
    pathOf: (file) => join(layout.folder, String(file)),
    expected: keeper.settledRecord,
    onChanged(file) {
      log.error({ infoHash, file }, 'a file of the library changed under our hands')
      bits.doubtAll()
    }
  })
  const stop = new AbortController()
  const searching = search(store, hints, stop.signal, log)

  /** A file that was cut, deleted or grew; a volume that cannot be written keeps it as it is. */
  async function mend(path: string, size: number): Promise<boolean> {
    try {
      await mkdir(layout.folder, { recursive: true })
      await makeSparse(path, size)
      log.warn({ infoHash }, 'a file of the library had the wrong size')
      return true
    } catch (err) {
      log.error({ err, infoHash }, 'a file of the library has the wrong size')
      return false
    }
  }

  return {
    store,
    files,
    bits,
    async close(abandoned) {
      unwatch()
      stop.abort()
      await searching
      if (abandoned) await keeper.abandon()
      await store.close()
    }
  }
}

/** Hashes what may be there, piece by piece, and claims what matches. Never rejects. */
async function search(
  store: StoredPieces,
  hints: readonly number[],
  signal: AbortSignal,
  log: Log
): Promise<void> {
  const { infoHash } = store
  if (hints.length === 0) return
  log.info({ infoHash, pieces: hints.length }, 'looking for content that the ledger lacks')
  let found = 0
  try {
    for (const index of hints) if (await store.rehash(index, signal)) found++
    log.info({ infoHash, found }, 'looked for content that the ledger lacks')
  } catch (err) {
    if (!signal.aborted) log.error({ err, infoHash }, 'the search for content failed')
  }
}

/**
 * Copies the pieces that are missing from `source`, files of the same layout, and makes them
 * durable. They are claims: hashed when first read, like anything that was not hashed here.
 */
export async function copyMissing(
  { store, files, bits }: LibraryTorrent,
  source: Pick<PieceFiles, 'read'>
): Promise<void> {
  const { geometry } = store.metainfo
  for (let index = 0; index < geometry.pieceCount; index++) {
    if (bits.has(index)) continue
    const { start, end } = pieceSpan(geometry, index)
    const bytes = new Uint8Array(end - start)
    await source.read(start, bytes)
    await files.write(start, bytes)
    bits.claim(index)
  }
  await store.flush()
}
