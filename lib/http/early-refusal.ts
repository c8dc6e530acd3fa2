/**
 * Refusing an upload so that the client reads the answer and not a reset.
 *
 * A server that answers and closes while the client still sends makes the client's kernel report
 * a reset, and most clients then never show the answer. So the answer goes out whole with
 * `Connection: close`, at most 1 MiB of the body is read and thrown away, the connection stays
 * open until the client closed it or 2 s have passed, and only then it is closed.
 * The app's error handler does this for every error that comes before the end of a body. The
 * request's stream must be alive: whoever read from it before must not have destroyed it.
 */
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

const DISCARD_BYTES = 2 ** 20
const LINGER_MS = 2000

/** A rest this small is cheaper to read than a new connection is to open. */
const SMALL_BODY_BYTES = 64 * 1024

/** Whether an answer now would come before the body: true unless the body is small or read. */
export function needsLingering(request: IncomingMessage): boolean {
  const { complete, destroyed, headers } = request
  if (complete || destroyed) return false
  if (headers['transfer-encoding'] !== undefined || headers.expect !== undefined) return true
  return Number(headers['content-length'] ?? 0) > SMALL_BODY_BYTES
}

/** The bytes of the answer, as a stream that ends only when the connection may be closed. */
export function linger(answer: Buffer, request: IncomingMessage): Readable {
  async function* chunks() {
    yield answer
    await discard(request)
  }
  return Readable.from(chunks(), { objectMode: false })
}

/** Reads at most 1 MiB more; resolves at the body's end, the connection's close or after 2 s. */
function discard(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return Promise.resolve()
  const { promise, resolve } = Promise.withResolvers<void>()
  let left = DISCARD_BYTES
  const timer = setTimeout(resolve, LINGER_MS)
  const done = () => resolve()
  const onData = (chunk: Buffer) => {
    left -= chunk.byteLength
    // Not read any further: the client's sending stops, and it looks for the answer.
    if (left <= 0) request.pause()
  }
  request.on('data', onData).once('end', done).once('close', done).on('error', done)
  request.resume()
  return promise.finally(() => {
    clearTimeout(timer)
    request.off('data', onData).off('end', done).off('close', done)
  })
}
