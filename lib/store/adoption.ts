/**
 * Bringing pieces that lie elsewhere on this node into a store: what was cached is not fetched again.
 *
 * Each piece is hashed on its way, in memory, so what arrives is proven and what was wrong or has
 * been evicted meanwhile is left out. One piece is in memory at a time.
 */
import { AppError } from '../../core/errors.ts'
import { pieceSpan } from '../../core/geometry.ts'
import type { Descriptors } from './descriptors.ts'
import type { DiskJobs } from './disk-jobs.ts'
import { PieceBits } from './piece-bits.ts'
import { createPieceFiles, type PieceFiles } from './piece-files.ts'
import type { PieceStore } from './piece-store.ts'
import { isPiece } from './prove.ts'
import type { SharedPieces } from './shared-pieces.ts'

export interface AdoptionDeps {
  readonly descriptors: Descriptors
  readonly jobs: DiskJobs
}

/**
 * Copies to `store`, a library's, what `source` has of the same torrent and it has not. Resolves
 * with the number of pieces copied. Rejects with the signal's reason, `STORE_FULL`, `STORE_FAILED`.
 */
export async function adoptPieces(
  store: PieceStore,
  source: SharedPieces,
  { descriptors, jobs }: AdoptionDeps,
  signal: AbortSignal
): Promise<number> {
  const { metainfo } = store
  const { pieceCount, pieceLength } = metainfo.geometry
  const theirs = PieceBits.of(source)
  const ours = PieceBits.of(store.shared)
  const from = createPieceFiles(source, descriptors)
  const to = createPieceFiles(store.shared, descriptors)
  const buffer = new Uint8Array(Math.min(pieceLength, source.size))
  let copied = 0
  for (let index = 0; index < pieceCount; index++) {
    if (ours.has(index) || !theirs.has(index)) continue
    if (!(await jobs.run('ingest', signal, () => copy(index)))) continue
    ours.prove(index)
    store.noteVerified(index)
    copied++
  }
  return copied

  async function copy(index: number): Promise<boolean> {
    const { start, end } = pieceSpan(metainfo.geometry, index)
    const bytes = buffer.subarray(0, end - start)
    if (!(await readIfThere(from, start, bytes))) return false
    return (await isPiece(metainfo, index, bytes)) && to.write(start, bytes)
  }
}

/** False for bytes that went meanwhile. */
async function readIfThere(files: PieceFiles, at: number, target: Uint8Array): Promise<boolean> {
  try {
    await files.read(at, target)
    return true
  } catch (err) {
    if (err instanceof AppError && err.code === 'STORE_SHORT_READ') return false
    throw err
  }
}
