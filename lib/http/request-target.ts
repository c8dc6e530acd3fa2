/** The request line's target and the Host it belongs to (RFC 9112 §3.2). */
import type { IncomingMessage } from 'node:http'
import { AppError } from '../../core/errors.ts'

/** The part of a request that is looked at; fastify's raw request is one. */
type Head = Pick<IncomingMessage, 'url' | 'headers' | 'rawHeaders' | 'httpVersion'>

/** Longer targets are refused, so that what handles a URL may be linear in it. */
const MAX_TARGET_LENGTH = 8 * 1024

/** What an authority can never be: it marks a target whose own authority is missing. */
const NO_HOST = '/'

/**
 * The target as path and query. The absolute form (`GET http://host/path`) is accepted from
 * anybody, and its authority replaces the Host header, as §3.2.2 demands.
 */
export function toOriginForm(request: Pick<Head, 'url' | 'headers'>): string {
  const url = request.url ?? '/'
  const match = /^https?:\/\/([^/?#]*)(.*)$/is.exec(url)
  if (match === null) return url
  const [, authority = '', rest = ''] = match
  request.headers.host = authority === '' ? NO_HOST : authority
  return rest.startsWith('/') ? rest : `/${rest}`
}

/**
 * The target with every escape of its path that is not part of valid UTF-8 as the raw byte (a
 * character U+0080 to U+00FF, as Node reads them): the router decodes as UTF-8 and would refuse
 * it, but a name is opaque bytes. It means the same to whoever decodes byte by byte.
 */
export function withRawBytes(target: string): string {
  const mark = target.indexOf('?')
  const path = mark === -1 ? target : target.slice(0, mark)
  if (!HIGH_ESCAPE.test(path)) return target
  const rest = mark === -1 ? '' : target.slice(mark)
  return path.replace(ESCAPES, (run) => (isDecodable(run) ? run : unescapeHigh(run))) + rest
}

const HIGH_ESCAPE = /%[89a-f][0-9a-f]/i
const ESCAPES = /(?:%[0-9a-f]{2})+/gi
const HIGH_ESCAPES = /%([89a-f][0-9a-f])/gi

function unescapeHigh(run: string): string {
  return run.replace(HIGH_ESCAPES, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16))
  )
}

function isDecodable(run: string): boolean {
  try {
    decodeURIComponent(run)
    return true
  } catch {
    return false
  }
}

const MAX_LOGGED = 500

/** The target as a log may have it: bounded, and a signed link without the token that opens it. */
export function loggedTarget(target: string): string {
  return target.slice(0, MAX_LOGGED).replace(/^\/s\/[^/?]+/, '/s/…')
}

/** A registered name or an IPv4 address, or an IP literal; then perhaps a port (RFC 3986 §3.2). */
const AUTHORITY =
  /^(?:[\w.~!$&'()*+,;=-]|%[0-9a-f]{2})*(?::\d{0,5})?$|^\[[0-9a-f:.]+\](?::\d{0,5})?$/i

/**
 * §3.2: exactly one Host in HTTP/1.1, at most one before, and one that can be a host; also the
 * bound of the target. Throws REQUEST_INVALID or URI_TOO_LONG.
 */
export function checkTarget({ url = '', httpVersion, headers, rawHeaders }: Head): void {
  if (url.length > MAX_TARGET_LENGTH) {
    throw new AppError('URI_TOO_LONG', `A URL may have ${MAX_TARGET_LENGTH} characters.`)
  }
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && /^host$/i.test(name)).length
  if (hosts > 1 || (hosts === 0 && httpVersion === '1.1')) {
    throw new AppError('REQUEST_INVALID', 'The request must have exactly one Host header.')
  }
  if (!AUTHORITY.test(headers.host ?? '')) {
    throw new AppError('REQUEST_INVALID', 'The host of the request is not well-formed.')
  }
}
