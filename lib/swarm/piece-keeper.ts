/**
 * One torrent's pieces on the disk, as the engine reads and writes them.
 *
 * Guarantees: a byte is read only from a piece whose hash matched in this life of the process (a
 * claim is hashed first, once, whoever asks); a piece's bits are set only after its bytes are
 * written; nothing is read from or written to pieces that are being evicted.
 * Not its job: which pieces the engine offers (`joined-torrent.ts`), durability (the ledger).
 */
import { AppError } from '../../core/errors.ts'
import { type PieceSpan, pieceSpan, piecesOf } from '../../core/geometry.ts'
import type { Metainfo } from '../../core/metainfo.ts'
import type { Descriptors } from '../store/descriptors.ts'
import type { DiskJobs } from '../store/disk-jobs.ts'
import { PieceBits } from '../store/piece-bits.ts'
import { createPieceFiles } from '../store/piece-files.ts'
import { provePiece } from '../store/prove.ts'
import type { SharedPieces } from '../store/shared-pieces.ts'
import { totalBytes } from '../store/view-list.ts'

/** `absent`: the cache has no room for the piece now. `failed`: the disk did not take it. */
export type WriteOutcome = 'written' | 'absent' | 'failed'

export interface PieceKeeper {
  readonly bits: PieceBits
  /**
   * A block of a piece. Undefined when the piece is not there (any more): it was evicted, or its
   * bytes are wrong, which `onLost` has then heard. Rejects when the disk could not be asked.
   */
  read(index: number, offset: number, length: number): Promise<Uint8Array | undefined>
  /**
   * Fills the views, one after the other, with the torrent's bytes from `offset` on, across pieces.
   * False, and the views then hold anything, when a piece of them is not there (any more). Rejects
   * when the disk could not be asked.
   */
  readRun(offset: number, views: readonly Uint8Array[]): Promise<boolean>
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

/** What the torrents of one engine share. */
export interface KeeperDisk {
  readonly descriptors: Descriptors
  /** Few writes at a time: more only wait for each other inside the system, and burn its time. */
  readonly jobs: DiskJobs
}

/** Never aborted: a piece that is being written is always settled. */
const NEVER = new AbortController().signal

export function createPieceKeeper(
  metainfo: Metainfo,
  shared: SharedPieces,
  { descriptors, jobs }: KeeperDisk,
  events: PieceKeeperEvents
): PieceKeeper {
  const { geometry } = metainfo
  const bits = PieceBits.of(shared)
  const files = createPieceFiles(shared, descriptors)
  const uses = new Set<PieceSpan>()
  const proofs = new Map<number, Promise<boolean>>()
  const evicting = new Set<PieceSpan>()
  const onIdle: (() => void)[] = []
  let pendingBytes = 0
  let closed = false

  function blocked(pieces: PieceSpan): boolean {
    if (closed) return true
    for (const span of evicting) if (overlap(span, pieces)) return true
    return false
  }

  async function using<T>(pieces: PieceSpan, work: () => Promise<T>): Promise<T> {
    uses.add(pieces)
    try {
      return await work()
    } finally {
      uses.delete(pieces)
      for (const wake of onIdle.splice(0)) wake()
    }
  }

  async function idle(pieces: PieceSpan): Promise<void> {
    const busy = () => [...uses].some((use) => overlap(use, pieces))
    while (busy()) await new Promise<void>((resolve) => onIdle.push(resolve))
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

  async function readRun(offset: number, views: readonly Uint8Array[]): Promise<boolean> {
    const pieces = piecesOf(geometry, { start: offset, end: offset + totalBytes(views) })
    if (blocked(pieces)) return false
    return using(pieces, () => readViews(pieces, offset, views))
  }

  async function readViews(pieces: PieceSpan, offset: number, views: readonly Uint8Array[]) {
    if (!(await allProven(pieces))) return false
    try {
      await files.readv(offset, views)
      return true
    } catch (err) {
      if (!(err instanceof AppError && err.code === 'STORE_SHORT_READ')) throw err
      if (!blocked(pieces)) await doubt(pieces)
      return false
    }
  }

  async function allProven({ first, end }: PieceSpan): Promise<boolean> {
    for (let index = first; index < end; index++) {
      if (!bits.isProven(index) && !(await proven(index))) return false
    }
    return true
  }

  /** Bytes are gone, nobody knows of which piece: all are hashed again, and the wrong ones lost. */
  async function doubt({ first, end }: PieceSpan): Promise<void> {
    bits.doubtAll()
    for (let index = first; index < end; index++) await proven(index)
  }

  async function writePiece(index: number, bytes: Uint8Array): Promise<WriteOutcome> {
    pendingBytes += bytes.byteLength
    try {
      const { start } = pieceSpan(geometry, index)
      const written = await jobs.run('swarm', NEVER, () => files.write(start, bytes))
      if (!written || blocked(onePiece(index))) return 'absent'
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
      const bytes = Buffer.allocUnsafe(length)
      const there = await readRun(pieceSpan(geometry, index).start + offset, [bytes])
      return there ? bytes : undefined
    },
    readRun,
    async write(index, bytes) {
      const pieces = onePiece(index)
      if (blocked(pieces)) return 'absent'
      return using(pieces, () => writePiece(index, bytes))
    },
    async evict(first, end) {
      const span = { first, end }
      evicting.add(span)
      try {
        await idle(span)
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
      await idle({ first: 0, end: geometry.pieceCount })
      await files.release()
    }
  }
}

function onePiece(index: number): PieceSpan {
  return { first: index, end: index + 1 }
}

function overlap(a: PieceSpan, b: PieceSpan): boolean {
  return a.first < b.end && b.first < a.end
}
