/**
 * Sends a reader's bytes as the body of a response: exactly as many as announced, or the
 * connection is reset. A short body never looks complete and a long one never leaves.
 *
 * Two buffers take turns: one is filled from the disk while the other is on its way. A buffer is
 * filled again only after the write callback of its bytes. It grows from 64 KiB to 1 MiB while
 * the socket takes everything at once and the process-wide budget allows. A client that has yet
 * to show that it keeps up has one: the system's own buffer bridges the reading.
 */
import type { ServerResponse } from 'node:http'
import { AppError } from '../../core/errors.ts'
import { type BodyBuffers, FIRST_BUFFER } from './body-buffers.ts'
import type { PartReader } from './part-reader.ts'

export interface BodyDeps {
  readonly buffers: BodyBuffers
  /** How long the client may take to accept one buffer. */
  readonly writeTimeoutMs: number
}

/** The connection ended under a write: nothing failed here. */
export class ClientLeft extends Error {
  constructor(cause: Error) {
    super('the client left', { cause })
    this.name = 'ClientLeft'
  }
}

/**
 * Resolves when all `length` bytes were handed to the socket; without a length, when the reader
 * has no more. Rejects, with the response destroyed, on a read error, a client that left or
 * stalled, or a reader that ended early.
 */
export async function sendBody(
  response: ServerResponse,
  reader: PartReader,
  length: number | undefined,
  deps: BodyDeps,
  signal: AbortSignal
): Promise<void> {
  const buffers = [createTurn(deps.buffers), createTurn(deps.buffers)] as const
  try {
    await pump(response, reader, length, buffers, deps, signal)
    response.end()
  } catch (err) {
    resetResponse(response)
    throw err
  } finally {
    for (const buffer of buffers) buffer.release()
  }
}

/** Not an end, which an intermediary could take for one; a response that waits its turn has no socket. */
export function resetResponse(response: ServerResponse): void {
  if (response.socket === null) response.destroy()
  else response.socket.resetAndDestroy()
}

async function pump(
  response: ServerResponse,
  reader: PartReader,
  length: number | undefined,
  buffers: readonly [Turn, Turn],
  deps: BodyDeps,
  signal: AbortSignal
): Promise<void> {
  let written = 0
  let turn: 0 | 1 = 0
  while (length === undefined || written < length) {
    const buffer = buffers[turn]
    reader.sent(await buffer.free(deps.writeTimeoutMs, signal))
    const bytes = buffer.take()
    const count = await reader.read(bytes, signal)
    if (count === 0 && length === undefined) break
    if (count === 0 || written + count > (length ?? Number.POSITIVE_INFINITY)) {
      const detail = `the reader gave ${written + count} of ${length} bytes`
      throw new AppError('STORE_SHORT_READ', detail)
    }
    signal.throwIfAborted()
    buffer.write(response, count)
    written += count
    if (buffer.hasGrown) turn = turn === 0 ? 1 : 0
  }
  for (const buffer of buffers) await buffer.free(deps.writeTimeoutMs, signal)
}

interface Turn {
  /** Resolves when the bytes written last have left this buffer, with how many they were. */
  free(timeoutMs: number, signal: AbortSignal): Promise<number>
  /** The memory to fill, perhaps larger than last time. */
  take(): Uint8Array
  /** The client has shown that it keeps up. */
  readonly hasGrown: boolean
  write(response: ServerResponse, count: number): void
  /** Gives the memory back; bytes of a destroyed response may be on their way for ever. */
  release(): void
}

function createTurn(buffers: BodyBuffers): Turn {
  let memory: Buffer | undefined
  let writing: Promise<number> = Promise.resolve(0)
  let written = true
  let drained = false

  /** Waits if it must; the client keeps up when its bytes had left before we came back. */
  function free(timeoutMs: number, signal: AbortSignal): Promise<number> {
    drained = written
    return written ? writing : inTime(writing, timeoutMs, signal)
  }

  function take(): Uint8Array {
    if (memory === undefined) memory = buffers.first()
    else if (drained) memory = buffers.larger(memory)
    return memory
  }

  function write(response: ServerResponse, count: number): void {
    const bytes = memory?.subarray(0, count)
    written = false
    writing = new Promise((resolve, reject) => {
      response.write(bytes, (err) => {
        written = true
        if (err) reject(new ClientLeft(err))
        else resolve(count)
      })
    })
    writing.catch(() => {})
  }

  function release(): void {
    if (memory !== undefined) buffers.give(memory, written)
    memory = undefined
  }

  return {
    free,
    take,
    write,
    release,
    get hasGrown() {
      return memory !== undefined && memory.byteLength > FIRST_BUFFER
    }
  }
}

/** Waits for `promise`; a client that accepts nothing for `timeoutMs` has left. */
function inTime<T>(promise: Promise<T>, timeoutMs: number, signal: AbortSignal): Promise<T> {
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
      (value) => settle(() => resolve(value)),
      (err) => settle(() => reject(err))
    )
  })
}
