/**
 * The bytes of a request's body as they come.
 *
 * Guarantees: a body that was cut or fell silent *fails*, it never ends; however this ends, the
 * stream is left alive, so that a refusal can still be answered; nothing is read ahead of the
 * consumer beyond the stream's own buffer.
 */
import type { Readable } from 'node:stream'
import { AppError } from '../../core/errors.ts'

const EVENTS = ['readable', 'end', 'close', 'error', 'aborted'] as const

/**
 * @param idleMs how long the consumer may wait for a byte: then AppError REQUEST_TIMEOUT.
 * @throws AppError REQUEST_INVALID when the sender left before the body's end, or the reason of
 *   `signal`.
 */
export async function* bodyChunks(
  body: Readable,
  idleMs: number,
  signal: AbortSignal
): AsyncGenerator<Buffer> {
  let wake = () => {}
  const onEvent = () => wake()
  for (const event of EVENTS) body.on(event, onEvent)
  signal.addEventListener('abort', onEvent)
  try {
    for (;;) {
      signal.throwIfAborted()
      const chunk: Buffer | null = body.read()
      if (chunk !== null) yield chunk
      else if (body.readableEnded) return
      else if (body.destroyed) throw cut(body.errored)
      else await happens((resolve) => (wake = resolve), idleMs)
    }
  } finally {
    signal.removeEventListener('abort', onEvent)
    for (const event of EVENTS) body.off(event, onEvent)
  }
}

async function happens(listen: (resolve: () => void) => void, idleMs: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(silent(idleMs)), idleMs)
  listen(resolve)
  try {
    await promise
  } finally {
    clearTimeout(timer)
  }
}

function cut(cause: Error | null): AppError {
  return new AppError('REQUEST_INVALID', 'the sender left before the end of the body', { cause })
}

function silent(idleMs: number): AppError {
  return new AppError('REQUEST_TIMEOUT', `no byte of the body came for ${idleMs / 1000} s`)
}
