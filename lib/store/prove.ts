/**
 * Hashing pieces that lie on disk. The digest runs on the thread pool, not on the caller's thread;
 * only pieces beyond 16 MiB, which we never publish, are hashed in small parts instead.
 *
 * Used by the main thread (readers) and by engines (before a claimed piece is sent to a peer).
 */
import { createHash, webcrypto } from 'node:crypto'
import { AppError } from '../../core/errors.ts'
import { pieceSize, pieceSpan } from '../../core/geometry.ts'
import { type Metainfo, pieceHash } from '../../core/metainfo.ts'
import type { PieceBits } from './piece-bits.ts'
import type { PieceFiles } from './piece-files.ts'

const MAX_AT_ONCE = 16 * 2 ** 20

/** What is needed of a torrent to check its pieces. */
export type PieceHashes = Pick<Metainfo, 'geometry' | 'pieces'>

/** Whether `bytes` are piece `index`: length and SHA-1. */
export async function isPiece(
  hashes: PieceHashes,
  index: number,
  bytes: Uint8Array<ArrayBuffer>
): Promise<boolean> {
  if (bytes.byteLength !== pieceSize(hashes.geometry, index)) return false
  const digest = await webcrypto.subtle.digest('SHA-1', bytes)
  return Buffer.from(digest).equals(pieceHash(hashes, index))
}

/**
 * Whether the bytes on disk are piece `index`. False also when some of them are not there. Rejects
 * with `STORE_FAILED` when the disk could not be asked (too many open files, say).
 */
export async function isPieceOnDisk(
  files: PieceFiles,
  hashes: PieceHashes,
  index: number
): Promise<boolean> {
  const { start, end } = pieceSpan(hashes.geometry, index)
  try {
    if (end - start > MAX_AT_ONCE) return await isHugePieceOnDisk(files, hashes, index)
    const bytes = new Uint8Array(end - start)
    await files.read(start, bytes)
    return await isPiece(hashes, index, bytes)
  } catch (err) {
    if (err instanceof AppError && err.code === 'STORE_SHORT_READ') return false
    throw err
  }
}

/** In parts, each hashed on this thread in under a millisecond: memory stays bounded. */
async function isHugePieceOnDisk(
  files: PieceFiles,
  hashes: PieceHashes,
  index: number
): Promise<boolean> {
  const { start, end } = pieceSpan(hashes.geometry, index)
  const part = new Uint8Array(2 ** 20)
  const hash = createHash('sha1')
  for (let at = start; at < end; at += part.byteLength) {
    const bytes = part.subarray(0, Math.min(part.byteLength, end - at))
    await files.read(at, bytes)
    hash.update(bytes)
  }
  return hash.digest().equals(pieceHash(hashes, index))
}

/** Hashes a claimed piece: proven when it matches, cleared when it does not. */
export async function provePiece(
  files: PieceFiles,
  hashes: PieceHashes,
  bits: PieceBits,
  index: number
): Promise<boolean> {
  const matches = await isPieceOnDisk(files, hashes, index)
  if (matches) bits.prove(index)
  else bits.clear(index)
  return matches
}
