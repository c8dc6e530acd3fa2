/** Torrents with bytes that can be told apart, and the hand that writes them as an engine would. */
import { randomBytes } from 'node:crypto'
import { pieceSpan } from '../../core/geometry.ts'
import type { Metainfo } from '../../core/metainfo.ts'
import { buildInfo } from '../../core/metainfo-build.ts'
import type { Descriptors } from '../../lib/store/descriptors.ts'
import { PieceBits } from '../../lib/store/piece-bits.ts'
import { createPieceFiles } from '../../lib/store/piece-files.ts'
import type { PieceStore } from '../../lib/store/piece-store.ts'
import { hashPieces } from './memory-store.ts'

export interface SampleTorrent {
  readonly metainfo: Metainfo
  readonly bytes: Buffer
  piece(index: number): Buffer
}

export interface SampleOptions {
  readonly size: number
  readonly pieceLength: number
  readonly name?: string
  /** Sizes of the files of a folder, in the order of their names; they add up to `size`. */
  readonly files?: readonly number[]
}

export function sampleTorrent(options: SampleOptions): SampleTorrent {
  const { size, pieceLength, name = 'sample', files } = options
  const bytes = randomBytes(size)
  const pieces = hashPieces(bytes, pieceLength)
  const common = { name, pieceLength, pieces }
  const specs = files?.map((length, k) => ({
    path: [`file-${String(k).padStart(4, '0')}`],
    size: length
  }))
  const { metainfo } = buildInfo(
    specs === undefined ? { ...common, size } : { ...common, files: specs }
  )
  const piece = (index: number) => {
    const { start, end } = pieceSpan(metainfo.geometry, index)
    return bytes.subarray(start, end)
  }
  return { metainfo, bytes, piece }
}

/** What an engine does with a piece that matched its hash: bytes, bits, message. */
export async function deliver(
  store: PieceStore,
  index: number,
  bytes: Uint8Array,
  descriptors: Descriptors
): Promise<boolean> {
  const files = createPieceFiles(store.shared, descriptors)
  const { start } = pieceSpan(store.metainfo.geometry, index)
  if (!(await files.write(start, bytes))) return false
  PieceBits.of(store.shared).prove(index)
  store.noteVerified(index)
  return true
}
