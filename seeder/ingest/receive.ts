/**
 * From the body of a request to a file and its hashes, in one pass.
 *
 * Each full block is written and hashed at the same time and is reused when both are done: the
 * sender never runs further ahead than the ring is long. When anything fails the body is left
 * where it is, and this resolves or rejects only when no block is in use any more.
 */
import type { Readable } from 'node:stream'
import { AppError } from '../../core/errors.ts'
import { formatSize } from '../../core/units.ts'
import { BLOCK_BYTES, type Block, type BlockRing } from './block-ring.ts'
import { bodyChunks } from './body-chunks.ts'
import type { HashJob } from './hash-pool.ts'
import type { Reservation } from './room.ts'
import type { StagedFile } from './staged-file.ts'

export interface BodyLimits {
  /** `Content-Length`; undefined for a chunked body. */
  readonly length: number | undefined
  readonly maxBytes: number
  readonly idleMs: number
}

export interface BodySinks {
  readonly ring: BlockRing
  readonly file: Pick<StagedFile, 'append'>
  readonly hash: Pick<HashJob, 'update'>
  readonly reservation: Pick<Reservation, 'advance'>
  /** Told of every block that is written and hashed. */
  readonly onBytes: (bytes: number) => void
}

/**
 * Resolves with the number of bytes, all of them written and hashed.
 * @throws AppError REQUEST_INVALID (cut, or longer than declared), REQUEST_TIMEOUT,
 *   UPLOAD_TOO_LARGE, STORE_FULL, STORE_FAILED, or the reason of `signal`.
 */
export async function receive(
  body: Readable,
  limits: BodyLimits,
  sinks: BodySinks,
  signal: AbortSignal
): Promise<number> {
  const failure = new AbortController()
  const stop = AbortSignal.any([signal, failure.signal])
  const running = new Set<Promise<void>>()

  async function pass(block: Block, bytes: number): Promise<void> {
    const outcomes = await Promise.allSettled([
      sinks.file.append(block.bytes.subarray(0, bytes)),
      sinks.hash.update(block.start, block.start + bytes)
    ])
    const failed = outcomes.find((outcome) => outcome.status === 'rejected')
    if (failed !== undefined) return failure.abort(failed.reason)
    sinks.onBytes(bytes)
    sinks.ring.give(block)
  }

  function dispatch(block: Block, bytes: number): void {
    const passing = pass(block, bytes).finally(() => running.delete(passing))
    running.add(passing)
  }

  try {
    const chunks = admitted(bodyChunks(body, limits.idleMs, stop), limits, sinks.reservation)
    const received = await fillBlocks(chunks, sinks.ring, dispatch, stop)
    await Promise.all(running)
    stop.throwIfAborted()
    return received
  } finally {
    await Promise.all(running)
  }
}

/** The chunks, as long as they keep within the declared length, the limit and the room. */
async function* admitted(
  chunks: AsyncIterable<Buffer>,
  { length, maxBytes }: BodyLimits,
  reservation: Pick<Reservation, 'advance'>
): AsyncGenerator<Buffer> {
  let received = 0
  for await (const chunk of chunks) {
    received += chunk.byteLength
    if (received > maxBytes) throw tooLarge(maxBytes)
    if (length !== undefined && received > length) throw lengthDiffers(received, length)
    await reservation.advance(received)
    yield chunk
  }
  if (length !== undefined && received < length) throw lengthDiffers(received, length)
}

/** Packs chunks into blocks and hands each on when it is full, the last one as it is. */
async function fillBlocks(
  chunks: AsyncIterable<Buffer>,
  ring: BlockRing,
  dispatch: (block: Block, bytes: number) => void,
  stop: AbortSignal
): Promise<number> {
  let received = 0
  let filled = 0
  let block: Block | undefined
  for await (const chunk of chunks) {
    received += chunk.byteLength
    for (let at = 0; at < chunk.byteLength; ) {
      block ??= await ring.take(stop)
      const copied = chunk.copy(block.bytes, filled, at)
      at += copied
      filled += copied
      if (filled < BLOCK_BYTES) continue
      dispatch(block, filled)
      block = undefined
      filled = 0
    }
  }
  if (block !== undefined) dispatch(block, filled)
  return received
}

/** The refusal of an upload for its size; also before its body is read. */
export function tooLarge(maxBytes: number): AppError {
  return new AppError('UPLOAD_TOO_LARGE', `an upload may have ${formatSize(maxBytes)} here`)
}

function lengthDiffers(received: number, length: number): AppError {
  const detail = `the body had ${received} bytes where Content-Length said ${length}`
  return new AppError('REQUEST_INVALID', detail)
}
