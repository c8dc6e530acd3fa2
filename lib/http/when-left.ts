/**
 * The signal of a client that left.
 *
 * fastify's `request.signal` aborts as soon as a request's body has been read, so it cannot be
 * used where a body may come; the close of the response can.
 */
import type { FastifyReply } from 'fastify'

/** Aborts when the response is closed: sent in full, or given up by the client. */
export function whenLeft({ raw }: FastifyReply): AbortSignal {
  const left = new AbortController()
  raw.once('close', () => left.abort())
  if (raw.destroyed) left.abort()
  return left.signal
}
