/**
 * A torrent's bytes on disk by their offset, whatever files they lie in.
 *
 * Used by the main thread and by engines in workers, each with its own descriptors. A read gives
 * every byte asked for or fails. A write into an extent that is not resident is refused, so an
 * engine cannot bring back a file that the cache has just evicted.
 * Not its job: which pieces are there (`PieceBits`), and durability (the ledger's keeper).
 */
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../core/errors.ts'
import type { ByteSpan } from '../../core/geometry.ts'
import type { Descriptors } from './descriptors.ts'
import { PieceBits } from './piece-bits.ts'
import { readvFully } from './readv-fully.ts'
import { segmentAt } from './segments.ts'
import type { SharedPieces } from './shared-pieces.ts'
import { readError, writeError } from './store-error.ts'
import { totalBytes, viewsWithin } from './view-list.ts'
import { writeFully } from './write-fully.ts'

export interface PieceFiles {
  /**
   * Fills `target` with the bytes from `offset` on. Rejects with `STORE_SHORT_READ` when a byte of
   * them is not there, `STORE_FAILED` when the system fails otherwise.
   */
  read(offset: number, target: Uint8Array): Promise<void>
  /**
   * Fills the views one after the other with the bytes from `offset` on, with one call of the
   * system per file. Rejects as `read` does; the views then hold anything.
   */
  readv(offset: number, views: readonly Uint8Array[]): Promise<void>
  /**
   * Writes all of `bytes` at `offset`. False, with nothing promised about the span, when part of
   * it lies in an extent that is not resident. Rejects with `STORE_FULL` or `STORE_FAILED`.
   */
  write(offset: number, bytes: Uint8Array): Promise<boolean>
  /**
   * Closes this thread's descriptors of the files that touch `span` (default: all of them); resolves
   * when none is in use. An engine does this before it answers that it let go.
   */
  release(span?: ByteSpan): Promise<void>
}

type Step = (segment: number, from: number, part: Uint8Array) => Promise<void>

export function createPieceFiles(shared: SharedPieces, descriptors: Descriptors): PieceFiles {
  const { layout, size } = shared
  const { starts, kind } = layout
  const bits = PieceBits.of(shared)
  const writeMode = kind === 'cache' ? 'create' : 'r+'

  const pathOf = (segment: number) => join(layout.folder, String(segment))
  const startOf = (segment: number) => starts[segment] ?? size

  /** Calls `step` for each file that part of `bytes` lies in, in order. */
  async function walk(offset: number, bytes: Uint8Array, step: Step): Promise<void> {
    const end = offset + bytes.byteLength
    if (offset < 0 || end > size) throw new RangeError(`bytes ${offset}-${end} of ${size}`)
    let at = offset
    for (let segment = segmentAt(starts, offset); at < end; segment++) {
      const next = Math.min(end, startOf(segment + 1))
      if (next === at) continue
      await step(segment, at - startOf(segment), bytes.subarray(at - offset, next - offset))
      at = next
    }
  }

  const readPart: Step = (segment, from, part) =>
    descriptors
      .use(pathOf(segment), 'r', (handle) => readFully(handle, part, from))
      .catch((err) => {
        throw readError(`segment ${segment}`, err)
      })

  /** As `walk` and `readPart`, for views: a file boundary may lie within one. */
  async function readViews(offset: number, views: readonly Uint8Array[]): Promise<void> {
    const end = offset + totalBytes(views)
    if (offset < 0 || end > size) throw new RangeError(`bytes ${offset}-${end} of ${size}`)
    let at = offset
    for (let segment = segmentAt(starts, offset); at < end; segment++) {
      const next = Math.min(end, startOf(segment + 1))
      if (next === at) continue
      const whole = at === offset && next === end
      const part = whole ? views : viewsWithin(views, at - offset, next - offset)
      await readSegment(segment, at - startOf(segment), part)
      at = next
    }
  }

  async function readSegment(
    segment: number,
    from: number,
    views: readonly Uint8Array[]
  ): Promise<void> {
    try {
      await descriptors.use(pathOf(segment), 'r', (handle) => readvFully(handle, views, from))
    } catch (err) {
      throw readError(`segment ${segment}`, err)
    }
  }

  const writePart: Step = (segment, from, part) =>
    descriptors
      .use(pathOf(segment), writeMode, (handle) => writeFully(handle, part, from))
      .catch((err) => {
        throw writeError(`segment ${segment}`, err)
      })

  function writable(offset: number, length: number): boolean {
    if (kind === 'library' || length === 0) return true
    const last = segmentAt(starts, offset + length - 1)
    for (let extent = segmentAt(starts, offset); extent <= last; extent++) {
      if (!bits.resident(extent)) return false
    }
    return true
  }

  return {
    read: (offset, target) => walk(offset, target, readPart),
    readv: readViews,
    async write(offset, bytes) {
      if (!writable(offset, bytes.byteLength)) return false
      await walk(offset, bytes, writePart)
      return true
    },
    async release(span) {
      if (span === undefined) return descriptors.forget(layout.folder)
      if (span.end <= span.start) return
      const waits: Promise<void>[] = []
      const last = segmentAt(starts, span.end - 1)
      for (let segment = segmentAt(starts, span.start); segment <= last; segment++) {
        waits.push(descriptors.forget(pathOf(segment)))
      }
      await Promise.all(waits)
    }
  }
}

async function readFully(handle: FileHandle, target: Uint8Array, position: number): Promise<void> {
  let done = 0
  while (done < target.byteLength) {
    const length = target.byteLength - done
    const { bytesRead } = await handle.read(target, done, length, position + done)
    if (bytesRead === 0) {
      throw new AppError('STORE_SHORT_READ', `got ${done} of ${target.byteLength} bytes`)
    }
    done += bytesRead
  }
}
