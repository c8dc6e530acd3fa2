/**
 * When the body of a request may be sent: `Expect: 100-continue` (RFC 9110 §10.1.1).
 *
 * Node would answer `100 Continue` before anybody has looked at the request. Here the request is
 * routed first, and the route says when: after authentication, quota and the seeder's own word.
 * Bodies that the framework itself parses (JSON, text) are accepted by `acceptParsedBody`.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'

declare module 'fastify' {
  interface FastifyRequest {
    /** `100 Continue` was sent. */
    bodyAccepted: boolean
  }
  interface FastifyContextConfig {
    /** The route reads the raw body itself and calls `acceptBody` when it wants it. */
    body?: 'stream'
  }
}

/** Tells a client that waits for it to send the body. Does nothing for one that does not wait. */
export function acceptBody(request: FastifyRequest, reply: FastifyReply): void {
  const waits = /^100-continue$/i.test(request.headers.expect ?? '')
  if (!waits || request.bodyAccepted || request.raw.httpVersion !== '1.1') return
  if (reply.raw.headersSent || reply.raw.destroyed) return
  request.bodyAccepted = true
  reply.raw.writeContinue()
}

/** For bodies that the framework is about to read. */
export function acceptParsedBody(request: FastifyRequest, reply: FastifyReply): void {
  if (request.headers.expect === undefined) return
  const parsed = /^(application\/json|text\/plain)\b/i.test(request.headers['content-type'] ?? '')
  if (parsed && request.routeOptions.config.body !== 'stream') acceptBody(request, reply)
}
