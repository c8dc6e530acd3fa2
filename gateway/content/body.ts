/**
 * Sends a reader's bytes as the body of a response: exactly as many as announced, or the
 * connection is reset. A short body never looks complete and a long one never leaves.
 *
 * Two buffers take turns: one is filled from the disk while the other is on its way. A buffer is
 * filled again only after the write callback of its bytes. It grows from 64 KiB to 1 MiB while
 * the socket takes everything at once and the process-wide budget allows.
 */
import type { ServerResponse } from 'node:http'
import { AppError } from '../../core/errors.ts'
import type { BufferBudget } from './buffer-budget.ts'
import type { ByteSource, Reader } from './reader.ts'

const FIRST_BUFFER = 64 * 1024
const LAST_BUFFER = 1024 * 1024

export interface BodyDeps {
  readonly budget: BufferBudget
  /** How long the client may take to accept one buffer. */
  readonly writeTimeoutMs: number
  readonly onSent: (source: ByteSource, bytes: number) => void
}

/** The connection ended under a write: nothing failed here. */
export class ClientLeft extends Error {
  constructor(cause: Error) {
    super('the client left', { cause })
    this.name = 'ClientLeft'
  }
}

/**
 * Resolves when all `length` bytes were handed to the socket. Rejects, with the response
 * destroyed, on a read error, a client that left or stalled, or a reader that ended early.
 */
export async function sendBody(
  response: ServerResponse,
  reader: Reader,
  length: number,
  deps: BodyDeps,
  signal: AbortSignal
): Promise<void> {
  const buffers = [createTurn(deps.budget), createTurn(deps.budget)] as const
  try {
    await pump(response, reader, length, buffers, deps, signal)
    response.end()
  } catch (err) {
    reset(response)
    throw err
  } finally {
    for (const buffer of buffers) buffer.release()
  }
}

/** Not an end, which an intermediary could take for one; a response that waits its turn has no socket. */
function reset(response: ServerResponse): void {
  if (response.socket === null) response.destroy()
  else response.socket.resetAndDestroy()
}

async function pump(
  response: ServerResponse,
  reader: Reader,
  length: number,
  buffers: readonly [Turn, Turn],
  deps: BodyDeps,
  signal: AbortSignal
): Promise<void> {
  let sent = 0
  for (let turn = 0; sent < length; turn ^= 1) {
    const buffer = buffers[turn as 0 | 1]
    await buffer.free(deps.writeTimeoutMs, signal)
    const bytes = buffer.take()
    const count = await reader.read(bytes, signal)
    if (count === 0 || sent + count > length) {
      throw new AppError('STORE_SHORT_READ', `the reader gave ${sent + count} of ${length} bytes`)
    }
    signal.throwIfAborted()
    buffer.write(response, count)
    sent += count
    deps.onSent(reader.source, count)
  }
  for (const buffer of buffers) await buffer.free(deps.writeTimeoutMs, signal)
}

interface Turn {
  /** Resolves when the bytes written last have left this buffer. */
  free(timeoutMs: number, signal: AbortSignal): Promise<void>
  /** The memory to fill, perhaps larger than last time. */
  take(): Uint8Array
  write(response: ServerResponse, count: number): void
  /**
   * Gives the memory back to the budget: every byte has left, or the response is destroyed, and
   * then the callback of a write may never come.
   */
  release(): void
}

function createTurn(budget: BufferBudget): Turn {
  let memory: Buffer | undefined
  let writing: Promise<void> = Promise.resolve()
  let written = true
  let drained = false

  /** Waits if it must; the client keeps up when its bytes had left before we came back. */
  function free(timeoutMs: number, signal: AbortSignal): Promise<void> {
    drained = written
    return written ? writing : inTime(writing, timeoutMs, signal)
  }

  function take(): Uint8Array {
    if (memory === undefined) {
      budget.take(FIRST_BUFFER)
      memory = Buffer.allocUnsafeSlow(FIRST_BUFFER)
    } else if (drained && memory.length < LAST_BUFFER && budget.tryTake(memory.length)) {
      memory = Buffer.allocUnsafeSlow(memory.length * 2)
    }
    return memory
  }

  function write(response: ServerResponse, count: number): void {
    const bytes = memory?.subarray(0, count)
    written = false
    writing = new Promise((resolve, reject) => {
      response.write(bytes, (err) => {
        written = true
        if (err) reject(new ClientLeft(err))
        else resolve()
      })
    })
    writing.catch(() => {})
  }

  function release(): void {
    if (memory !== undefined) budget.give(memory.length)
    memory = undefined
  }

  return { free, take, write, release }
}

/** Waits for `promise`; a client that accepts nothing for `timeoutMs` has left. */
function inTime(promise: Promise<void>, timeoutMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => settle(() => reject(new AppError('REQUEST_TIMEOUT', 'the client stopped reading'))),
      timeoutMs
    )
    const onAbort = () => settle(() => reject(signal.reason))
    function settle(finish: () => void): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      finish()
    }
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) return onAbort()
    promise.then(
      () => settle(resolve),
      (err) => settle(() => reject(err))
    )
  })
}
