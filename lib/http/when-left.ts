/**
 * The signal of a client that left.
 *
 * fastify's `request.signal` aborts as soon as a request's body has been read, so it cannot be
 * used where a body may come; the close of the response can.
 */
import type { FastifyReply } from 'fastify'

/** One for all: a new error for every response that ends would cost more than the rest of this. */
const LEFT = new Error('the response was closed')

/**
 * Aborts when the response is closed: sent in full, or given up by the client; or with the reason
 * of `other`, which must not outlive the response.
 */
export function whenLeft({ raw }: FastifyReply, other?: AbortSignal): AbortSignal {
  const left = new AbortController()
  other?.addEventListener('abort', () => left.abort(other.reason), { once: true })
  if (other?.aborted) left.abort(other.reason)
  raw.once('close', () => left.abort(LEFT))
  if (raw.destroyed) left.abort(LEFT)
  return left.signal
}
