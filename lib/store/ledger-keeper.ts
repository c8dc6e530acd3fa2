/**
 * Keeps one torrent's ledger true: the only writer of it while the torrent is open.
 *
 * Invariant: a bit in the ledger never precedes its bytes. A commit copies the bits first, then
 * syncs every file that a new bit touches, then replaces the ledger with exactly that copy; what
 * arrives meanwhile waits for the next commit. Commits are due at 64 MiB, after 2 s, when the
 * torrent becomes full, and on `flush`. A failed one is repeated with growing pauses.
 *
 * A file whose sync failed may have lost bytes that still read back fine from memory, so the pieces
 * not yet in the ledger that lie in it stay out of it for the rest of this life.
 */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Bitfield } from '../../core/bitfield.ts'
import { type Geometry, type PieceSpan, pieceSpan } from '../../core/geometry.ts'
import type { Log } from '../process/service.ts'
import { boundedEach } from './bounded-each.ts'
import { type DurableDisk, replaceFile } from './durable-disk.ts'
import {
  encodeLedger,
  type LedgerContent,
  type LedgerIdentity,
  type SegmentRecord
} from './ledger.ts'
import type { PieceBits } from './piece-bits.ts'
import { segmentsOf } from './segments.ts'
import type { Layout } from './shared-pieces.ts'
import { systemCode, writeError } from './store-error.ts'

export interface LedgerKeeperConfig {
  /** The ledger file. */
  readonly path: string
  readonly identity: LedgerIdentity
  readonly geometry: Geometry
  readonly layout: Layout
  /** What the file on disk says and is still believed; empty when there is none. */
  readonly content: LedgerContent
  readonly batchBytes?: number
  readonly batchMs?: number
}

export interface LedgerKeeperDeps {
  readonly bits: PieceBits
  readonly disk: DurableDisk
  readonly log: Log
  /** Time of last use of a segment, `Date.now()`; 0 where nobody asks. */
  readonly usedAt: (segment: number) => number
  /** After each commit: whether every piece is in the ledger now. */
  readonly onCommitted: (full: boolean) => void
}

export interface LedgerKeeper {
  /** A piece of that many bytes was written and its bit is set. */
  noteWritten(bytes: number): void
  /** Pieces lost their bits: bytes written there later must be synced anew. */
  withdraw(pieces: PieceSpan): void
  /** A segment's file is gone, and these pieces with it. What the ledger says of it is harmless. */
  forgetSegment(segment: number, pieces: PieceSpan): void
  /** Times of last use changed: worth writing at the end, not worth a commit of their own. */
  noteUse(): void
  /** A segment's file as the ledger has it; undefined while pieces wait for the ledger. */
  settledRecord(segment: number): SegmentRecord | undefined
  /** Resolves when all bits set before the call are durable. Rejects with an `AppError`. */
  flush(): Promise<void>
  /** A last commit if there is anything to say; failures are logged. */
  close(): Promise<void>
  /** Writes nothing any more: the folder is going away. */
  abandon(): Promise<void>
}

const SYNCS_AT_ONCE = 4
const MAX_PAUSE_MS = 60_000

export function createLedgerKeeper(
  config: LedgerKeeperConfig,
  { bits, disk, log, usedAt, onCommitted }: LedgerKeeperDeps
): LedgerKeeper {
  const { path, identity, geometry, layout, content } = config
  const { pieceCount, infoHash } = identity
  const batchBytes = config.batchBytes ?? 64 * 2 ** 20
  const batchMs = config.batchMs ?? 2000
  const records = new Map(content.records)
  /** Segments whose sync failed once, and why. */
  const suspects = new Map<number, unknown>()
  /** Pieces that lost their bit while a commit was running. */
  let lostMeanwhile: PieceSpan[] = []
  let persisted = new Bitfield(pieceCount, Uint8Array.from(content.have))
  let pendingBytes = 0
  let timer: NodeJS.Timeout | undefined
  let failures = 0
  let stampsChanged = false
  let withdrawn = false
  let running: Promise<void> | undefined
  let again = false
  let ended = false

  function lose(span: PieceSpan): void {
    clearAll(persisted, span)
    if (running !== undefined) lostMeanwhile.push(span)
  }

  function arm(ms: number): void {
    if (ended || timer !== undefined) return
    timer = setTimeout(() => {
      timer = undefined
      request().catch(() => {})
    }, ms)
  }

  function disarm(): void {
    clearTimeout(timer)
    timer = undefined
  }

  /** A commit that starts after this call; several calls share one. */
  function request(): Promise<void> {
    if (running === undefined) running = drain()
    else again = true
    return running
  }

  async function drain(): Promise<void> {
    try {
      do {
        again = false
        await commit()
      } while (again)
    } finally {
      running = undefined
    }
  }

  async function commit(): Promise<void> {
    if (ended) return
    disarm()
    pendingBytes = 0
    const next = new Bitfield(pieceCount, bits.haveBitfield())
    const fresh = freshPieces(next)
    if (fresh.length === 0 && !withdrawn && !stampsChanged) return
    try {
      await write(next, fresh)
      failures = 0
    } catch (err) {
      retry(err)
      throw writeError('the ledger', err)
    }
    onCommitted(persisted.isFull())
  }

  async function write(next: Bitfield, fresh: readonly number[]): Promise<void> {
    lostMeanwhile = []
    const hadWithdrawn = withdrawn
    withdrawn = false
    stampsChanged = false
    try {
      const unsynced = await syncSegments(fresh)
      for (const index of fresh) if (touches(index, unsynced)) next.clear(index)
      const stamped = new Map<number, SegmentRecord>()
      for (const [segment, record] of records) {
        stamped.set(segment, { ...record, usedAt: usedAt(segment) })
      }
      await replaceFile(disk, path, encodeLedger(identity, { have: next.bytes, records: stamped }))
    } catch (err) {
      withdrawn ||= hadWithdrawn
      stampsChanged = true
      throw err
    }
    persisted = next
    for (const span of lostMeanwhile) clearAll(persisted, span)
  }

  function freshPieces(next: Bitfield): number[] {
    const fresh: number[] = []
    for (let byte = 0; byte < next.bytes.length; byte++) {
      const added = (next.bytes[byte] ?? 0) & ~(persisted.bytes[byte] ?? 0)
      if (added === 0) continue
      for (let index = byte * 8; index < byte * 8 + 8; index++) {
        if (!next.get(index) || persisted.get(index)) continue
        if (touches(index, suspects)) next.clear(index)
        else fresh.push(index)
      }
    }
    return fresh
  }

  function touches(index: number, segments: ReadonlyMap<number, unknown>): boolean {
    if (segments.size === 0) return false
    for (const segment of touched(index)) if (segments.has(segment)) return true
    return false
  }

  function touched(index: number): Iterable<number> {
    return segmentsOf(layout.starts, pieceSpan(geometry, index))
  }

  /** Resolves with the segments that could not be synced and why. */
  async function syncSegments(fresh: readonly number[]): Promise<ReadonlyMap<number, unknown>> {
    const dirty = new Set(fresh.flatMap((index) => [...touched(index)]))
    const unsynced = new Map<number, unknown>()
    await boundedEach(dirty, SYNCS_AT_ONCE, async (segment) => {
      const file = join(layout.folder, String(segment))
      try {
        await disk.syncData(file)
        records.set(segment, await recordOf(file))
      } catch (err) {
        unsynced.set(segment, err)
        if (systemCode(err) === 'ENOENT') return
        suspects.set(segment, err)
        log.error({ err, infoHash, segment }, 'a file could not be synced')
      }
    })
    return unsynced
  }

  async function flush(): Promise<void> {
    await request()
    for (const [segment, err] of suspects) throw writeError(`segment ${segment}`, err)
  }

  function retry(err: unknown): void {
    failures++
    log.error({ err, infoHash }, 'the ledger could not be written')
    if (systemCode(err) !== 'EROFS') arm(Math.min(MAX_PAUSE_MS, batchMs * 2 ** failures))
  }

  return {
    noteWritten(bytes) {
      pendingBytes += bytes
      if (pendingBytes >= batchBytes || bits.full) request().catch(() => {})
      else arm(batchMs)
    },
    withdraw(span) {
      lose(span)
      withdrawn = true
      arm(batchMs)
    },
    forgetSegment(segment, span) {
      lose(span)
      records.delete(segment)
      suspects.delete(segment)
      stampsChanged = true
    },
    noteUse() {
      stampsChanged = true
    },
    settledRecord: (segment) =>
      running === undefined && bits.full && persisted.isFull() ? records.get(segment) : undefined,
    flush,
    async close() {
      await request().catch(() => {})
      ended = true
      disarm()
    },
    async abandon() {
      ended = true
      disarm()
      await running?.catch(() => {})
    }
  }
}

function clearAll(bitfield: Bitfield, span: PieceSpan): void {
  for (let index = span.first; index < span.end; index++) bitfield.clear(index)
}

/** The file as it is now, never used. */
export async function recordOf(file: string): Promise<SegmentRecord> {
  const { size, mtimeNs, ino } = await stat(file, { bigint: true })
  return { size: Number(size), mtimeNs, inode: ino, usedAt: 0 }
}
