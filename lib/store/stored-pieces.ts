/**
 * What every piece store does, wherever its bytes lie: proof, waiting and reading.
 *
 * Guarantees: `read` gives bytes of proven pieces only; however many ask for proof of a piece, it
 * is hashed once; a piece that fails loses its bits here and in the ledger. The library and the
 * cache add how a torrent comes to be and goes.
 */
import { AppError } from '../../core/errors.ts'
import {
  type ByteSpan,
  type Geometry,
  type PieceSpan,
  pieceAt,
  pieceSize,
  pieceSpan,
  piecesOf
} from '../../core/geometry.ts'
import { abortable } from '../process/abortable.ts'
import type { Log } from '../process/service.ts'
import type { DiskJobs } from './disk-jobs.ts'
import type { LedgerKeeper } from './ledger-keeper.ts'
import type { PieceBits } from './piece-bits.ts'
import type { PieceFiles } from './piece-files.ts'
import type { PieceStore } from './piece-store.ts'
import { createPieceWaiters } from './piece-waiters.ts'
import { isPieceOnDisk } from './prove.ts'

export interface StoredPiecesDeps {
  readonly bits: PieceBits
  readonly files: PieceFiles
  readonly keeper: LedgerKeeper
  readonly jobs: DiskJobs
  readonly log: Log
  /** Whether missing pieces may be fetched; a cache asks its budget instead. */
  readonly hasRoom?: () => boolean
}

/** A store that is used through leases; `close` ends it for all of them. */
export interface StoredPieces extends PieceStore {
  /**
   * Hashes a piece that nothing claims, in the lane of the scrub, and proves it when it matches.
   * This is how content is found again whose ledger was lost.
   */
  rehash(index: number, signal: AbortSignal): Promise<boolean>
  /** How many wait for a piece. */
  readonly waiting: number
}

const NEVER = new AbortController().signal

export function createStoredPieces(
  identity: Pick<PieceStore, 'metainfo' | 'kind' | 'shared'>,
  { bits, files, keeper, jobs, log, hasRoom = () => true }: StoredPiecesDeps
): StoredPieces {
  const { metainfo, kind, shared } = identity
  const { infoHash, geometry } = metainfo
  const waiters = createPieceWaiters()
  const flights = new Map<number, Promise<boolean>>()
  let closing: Promise<void> | undefined

  function lost(index: number): void {
    keeper.withdraw({ first: index, end: index + 1 })
    log.warn({ infoHash, index }, 'a piece on the disk failed verification')
  }

  async function hashClaim(index: number): Promise<boolean> {
    const matches = await isPieceOnDisk(files, metainfo, index)
    if (!bits.has(index)) return false
    if (matches) {
      bits.prove(index)
      waiters.wake(index)
      return true
    }
    bits.clear(index)
    lost(index)
    return false
  }

  async function prove(index: number, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted()
    if (bits.isProven(index)) return true
    if (!bits.has(index)) return false
    let flight = flights.get(index)
    if (flight === undefined) {
      flight = jobs.run('http', NEVER, () => hashClaim(index)).finally(() => flights.delete(index))
      flights.set(index, flight)
    }
    return abortable(flight, signal)
  }

  async function whenProven(index: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (!bits.isProven(index)) await waiters.wait(index, signal)
  }

  async function read(span: ByteSpan, target: Uint8Array, signal: AbortSignal): Promise<void> {
    const length = span.end - span.start
    if (target.byteLength < length) throw new RangeError('the target is shorter than the span')
    const pieces = piecesOf(geometry, span)
    for (let index = pieces.first; index < pieces.end; index++) {
      if (bits.isProven(index)) continue
      throw new AppError('STORE_SHORT_READ', `piece ${index} is not here any more`)
    }
    try {
      const part = target.subarray(0, length)
      await jobs.run('http', signal, () => files.read(span.start, part))
    } catch (err) {
      if (err instanceof AppError && err.code === 'STORE_SHORT_READ') {
        bits.doubtAll()
        for (let index = pieces.first; index < pieces.end; index++) {
          bits.clear(index)
          lost(index)
        }
      }
      throw err
    }
  }

  /** Nothing leaves by itself; the cache has a pin of its own. */
  async function pin(span: ByteSpan, signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted()
    if (!bits.full && !hasRoom() && !allHere(bits, piecesOf(geometry, span))) {
      throw new AppError('STORE_FULL', 'the disk is nearly full', { retryAfter: 60 })
    }
    return { [Symbol.dispose]() {} }
  }

  function noteVerified(index: number): void {
    if (!bits.isProven(index)) return
    waiters.wake(index)
    keeper.noteWritten(pieceSize(geometry, index))
  }

  async function rehash(index: number, signal: AbortSignal): Promise<boolean> {
    if (bits.has(index)) return prove(index, signal)
    const matches = await jobs.run('scrub', signal, () => isPieceOnDisk(files, metainfo, index))
    if (!matches) return bits.isProven(index)
    bits.prove(index)
    noteVerified(index)
    return true
  }

  async function end(): Promise<void> {
    waiters.end(new AppError('SHUTTING_DOWN', 'the torrent was closed'))
    await Promise.allSettled(flights.values())
    await keeper.close()
    await files.release()
  }

  return {
    infoHash,
    metainfo,
    kind,
    shared,
    get complete() {
      return bits.full
    },
    get waiting() {
      return waiters.size
    },
    has: (index) => bits.has(index),
    provenPrefix: (span) => provenPrefix(bits, geometry, span),
    prove,
    whenProven,
    read,
    pin,
    rehash,
    noteVerified,
    noteFailed: lost,
    flush: () => keeper.flush(),
    close() {
      closing ??= end()
      return closing
    }
  }
}

function allHere(bits: PieceBits, { first, end }: PieceSpan): boolean {
  for (let index = first; index < end; index++) if (!bits.has(index)) return false
  return true
}

function provenPrefix(bits: PieceBits, geometry: Geometry, { start, end }: ByteSpan): ByteSpan {
  let at = start
  while (at < end) {
    const index = pieceAt(geometry, at)
    if (!bits.isProven(index)) break
    at = pieceSpan(geometry, index).end
  }
  return { start, end: Math.min(Math.max(start, at), Math.max(start, end)) }
}

/**
 * One opener's hold on a store that is shared: closing it twice is closing it once, and the store
 * itself ends with `release` of the last one.
 */
export function leaseOf(store: PieceStore, release: () => Promise<void>): PieceStore {
  let released: Promise<void> | undefined
  return {
    infoHash: store.infoHash,
    metainfo: store.metainfo,
    kind: store.kind,
    shared: store.shared,
    get complete() {
      return store.complete
    },
    has: store.has,
    provenPrefix: store.provenPrefix,
    prove: store.prove,
    whenProven: store.whenProven,
    read: store.read,
    pin: store.pin,
    noteVerified: store.noteVerified,
    noteFailed: store.noteFailed,
    flush: store.flush,
    close() {
      released ??= release()
      return released
    }
  }
}
