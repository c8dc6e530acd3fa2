/** The request line's target and the Host it belongs to (RFC 9112 §3.2). */
import type { IncomingMessage } from 'node:http'
import { AppError } from '../../core/errors.ts'

/** The part of a request that is looked at; fastify's raw request is one. */
type Head = Pick<IncomingMessage, 'url' | 'headers' | 'rawHeaders' | 'httpVersion'>

/**
 * The target as path and query. The absolute form (`GET http://host/path`) is accepted from
 * anybody, and its authority replaces the Host header, as §3.2.2 demands.
 */
export function toOriginForm(request: Pick<Head, 'url' | 'headers'>): string {
  const url = request.url ?? '/'
  const match = /^https?:\/\/([^/?#]*)(.*)$/is.exec(url)
  if (match === null) return url
  const [, authority = '', rest = ''] = match
  request.headers.host = authority
  return rest.startsWith('/') ? rest : `/${rest}`
}

/** §3.2: exactly one Host in HTTP/1.1, at most one before. Throws REQUEST_INVALID. */
export function checkHost({ httpVersion, rawHeaders }: Head): void {
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && /^host$/i.test(name)).length
  if (hosts > 1 || (hosts === 0 && httpVersion === '1.1')) {
    throw new AppError('REQUEST_INVALID', 'The request must have exactly one Host header.')
  }
}
