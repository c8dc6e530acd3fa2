/**
 * Hashing again what the disk has had for long: bytes that were right when they were written, and
 * proven since, may have rotted.
 *
 * A piece that is wrong loses its bits at once, in shared memory and in the ledger, and the proof of
 * all others of its torrent is withdrawn: a file that changed once is not believed again. Its bytes
 * stay where they are until others are written over them.
 */
import { pieceSize } from '../../core/geometry.ts'
import type { Descriptors } from './descriptors.ts'
import type { DiskJobs } from './disk-jobs.ts'
import { PieceBits } from './piece-bits.ts'
import { createPieceFiles } from './piece-files.ts'
import type { PieceStore } from './piece-store.ts'
import { isPieceOnDisk } from './prove.ts'

export interface ScrubDeps {
  /** A pool of the scrub's own, so that it takes no place from readers. */
  readonly descriptors: Descriptors
  readonly jobs: DiskJobs
  /** Waits as long as so many bytes cost. */
  readonly pace: (bytes: number, signal: AbortSignal) => Promise<void>
  readonly onWrong: (index: number) => void
}

/**
 * Hashes every piece that `store` has, one at a time, in the lane of the scrub. Resolves with the
 * number of wrong ones. Rejects with the signal's reason, and when the disk could not be asked.
 */
export async function scrubPieces(
  store: PieceStore,
  { descriptors, jobs, pace, onWrong }: ScrubDeps,
  signal: AbortSignal
): Promise<number> {
  const { metainfo, shared } = store
  const { geometry } = metainfo
  const bits = PieceBits.of(shared)
  const files = createPieceFiles(shared, descriptors)
  let wrong = 0
  try {
    for (let index = 0; index < geometry.pieceCount; index++) {
      if (!bits.has(index)) continue
      await pace(pieceSize(geometry, index), signal)
      const right = await jobs.run('scrub', signal, () => isPieceOnDisk(files, metainfo, index))
      if (right || !bits.has(index)) continue
      bits.doubtAll()
      bits.clear(index)
      store.noteFailed(index)
      onWrong(index)
      wrong++
    }
  } finally {
    await files.release()
  }
  return wrong
}
