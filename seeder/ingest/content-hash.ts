/**
 * Everything that is hashed of one file while its bytes pass by: the pieces' SHA-1 (BEP 3), its
 * SHA-256, its CRC-32 and, when a client names it, its SHA-512. Bytes may come in any portions.
 */
import { createHash, type Hash } from 'node:crypto'
import { crc32 } from 'node:zlib'

export interface HashPlan {
  readonly pieceLength: number
  /** Piece hashes are given up when the file is longer than this many bytes. */
  readonly piecesUpTo: number
  readonly sha512: boolean
}

export interface ContentSums {
  readonly size: number
  /** 20 bytes for each piece; null when they were given up. */
  readonly pieces: Uint8Array | null
  readonly sha256: Uint8Array
  readonly sha512: Uint8Array | null
  /** Unsigned, ISO-HDLC. */
  readonly crc32: number
}

export interface ContentHash {
  update(bytes: Uint8Array): void
  finish(): ContentSums
}

export function createContentHash(plan: HashPlan): ContentHash {
  const sha256 = createHash('sha256')
  const sha512 = plan.sha512 ? createHash('sha512') : null
  const pieces = createPieceHashes(plan.pieceLength)
  let size = 0
  let crc = 0

  return {
    update(bytes) {
      size += bytes.byteLength
      crc = crc32(bytes, crc)
      sha256.update(bytes)
      sha512?.update(bytes)
      if (size <= plan.piecesUpTo) pieces.update(bytes)
    },
    finish() {
      return {
        size,
        pieces: size <= plan.piecesUpTo ? pieces.finish() : null,
        sha256: sha256.digest(),
        sha512: sha512?.digest() ?? null,
        crc32: crc
      }
    }
  }
}

export interface PieceHashes {
  update(bytes: Uint8Array): void
  /** The SHA-1 of each piece, 20 bytes one after the other; the last piece may be short. */
  finish(): Uint8Array
}

export function createPieceHashes(pieceLength: number): PieceHashes {
  const digests: Uint8Array[] = []
  let current: Hash | undefined
  let filled = 0

  function close(): void {
    if (current !== undefined) digests.push(current.digest())
    current = undefined
    filled = 0
  }

  return {
    update(bytes) {
      let at = 0
      while (at < bytes.byteLength) {
        const part = bytes.subarray(at, at + pieceLength - filled)
        current ??= createHash('sha1')
        current.update(part)
        filled += part.byteLength
        at += part.byteLength
        if (filled === pieceLength) close()
      }
    },
    finish() {
      close()
      return Buffer.concat(digests)
    }
  }
}
