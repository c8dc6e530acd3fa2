/**
 * One torrent's pieces on the disk, as the engine reads and writes them.
 *
 * Guarantees: a byte is read only from a piece whose hash matched in this life of the process (a
 * claim is hashed first, once, whoever asks); a piece's bits are set only after its bytes are
 * written; nothing is read from or written to pieces that are being evicted.
 * Not its job: which pieces the engine offers (`joined-torrent.ts`), durability (the ledger).
 */
import { AppError } from '../../../core/errors.ts'
import { pieceSpan } from '../../../core/geometry.ts'
import type { Metainfo } from '../../../core/metainfo.ts'
import type { Descriptors } from '../../store/descriptors.ts'
import { PieceBits } from '../../store/piece-bits.ts'
import { createPieceFiles } from '../../store/piece-files.ts'
import { provePiece } from '../../store/prove.ts'
import type { SharedPieces } from '../../store/shared-pieces.ts'

/** `absent`: the cache has no room for the piece now. `failed`: the disk did not take it. */
export type WriteOutcome = 'written' | 'absent' | 'failed'

export interface PieceKeeper {
  readonly bits: PieceBits
  /**
   * A block of a piece. Undefined when the piece is not there (any more): it was evicted, or its
   * bytes are wrong, which `onLost` has then heard. Rejects when the disk could not be asked.
   */
  read(index: number, offset: number, length: number): Promise<Uint8Array | undefined>
  /** Writes a piece whose hash matched and proves its bits. */
  write(index: number, bytes: Uint8Array): Promise<WriteOutcome>
  /** Lets go of these pieces: resolves when none is in use and their files are closed. */
  evict(first: number, end: number): Promise<void>
  /** Bytes that are being written. */
  readonly pendingBytes: number
  /** Resolves when nothing is in use any more and every file is closed. */
  close(): Promise<void>
}

export interface PieceKeeperEvents {
  /** The bytes on the disk are wrong or gone; the bits are cleared. */
  onLost(index: number): void
  onTrouble(message: string): void
}

export function createPieceKeeper(
  metainfo: Metainfo,
  shared: SharedPieces,
  descriptors: Descriptors,
  events: PieceKeeperEvents
): PieceKeeper {
  const { geometry } = metainfo
  const bits = PieceBits.of(shared)
  const files = createPieceFiles(shared, descriptors)
  const uses = new Map<number, number>()
  const proofs = new Map<number, Promise<boolean>>()
  const evicting = new Set<{ readonly first: number; readonly end: number }>()
  const onIdle: (() => void)[] = []
  let pendingBytes = 0
  let closed = false

  function blocked(index: number): boolean {
    if (closed) return true
    for (const { first, end } of evicting) if (index >= first && index < end) return true
    return false
  }

  async function using<T>(index: number, work: () => Promise<T>): Promise<T> {
    uses.set(index, (uses.get(index) ?? 0) + 1)
    try {
      return await work()
    } finally {
      const left = (uses.get(index) ?? 1) - 1
      if (left === 0) uses.delete(index)
      else uses.set(index, left)
      for (const wake of onIdle.splice(0)) wake()
    }
  }

  async function idle(first: number, end: number): Promise<void> {
    const busy = () => [...uses.keys()].some((index) => index >= first && index < end)
    while (busy()) await new Promise<void>((resolve) => onIdle.push(resolve))
  }

  function lose(index: number): void {
    bits.doubtAll()
    bits.clear(index)
    events.onLost(index)
  }

  async function proven(index: number): Promise<boolean> {
    if (bits.isProven(index)) return true
    if (!bits.has(index)) return false
    const running = proofs.get(index) ?? startProof(index)
    return running
  }

  function startProof(index: number): Promise<boolean> {
    const proof = provePiece(files, metainfo, bits, index)
      .then((matches) => {
        if (!matches) events.onLost(index)
        return matches
      })
      .finally(() => proofs.delete(index))
    proofs.set(index, proof)
    return proof
  }

  async function readBlock(index: number, offset: number, length: number) {
    if (!(await proven(index))) return undefined
    const bytes = Buffer.allocUnsafe(length)
    try {
      await files.read(pieceSpan(geometry, index).start + offset, bytes)
      return bytes
    } catch (err) {
      if (!(err instanceof AppError && err.code === 'STORE_SHORT_READ')) throw err
      if (!blocked(index)) lose(index)
      return undefined
    }
  }

  async function writePiece(index: number, bytes: Uint8Array): Promise<WriteOutcome> {
    pendingBytes += bytes.byteLength
    try {
      const written = await files.write(pieceSpan(geometry, index).start, bytes)
      if (!written || blocked(index)) return 'absent'
      bits.prove(index)
      return 'written'
    } catch (err) {
      events.onTrouble(`piece ${index} could not be written: ${String(err)}`)
      return 'failed'
    } finally {
      pendingBytes -= bytes.byteLength
    }
  }

  return {
    bits,
    async read(index, offset, length) {
      if (blocked(index)) return undefined
      return using(index, () => readBlock(index, offset, length))
    },
    async write(index, bytes) {
      if (blocked(index)) return 'absent'
      return using(index, () => writePiece(index, bytes))
    },
    async evict(first, end) {
      const span = { first, end }
      evicting.add(span)
      try {
        await idle(first, end)
        await files.release({
          start: pieceSpan(geometry, first).start,
          end: pieceSpan(geometry, end - 1).end
        })
      } finally {
        evicting.delete(span)
      }
    },
    get pendingBytes() {
      return pendingBytes
    },
    async close() {
      closed = true
      await idle(0, geometry.pieceCount)
      await files.release()
    }
  }
}
