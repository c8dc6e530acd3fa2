/**
 * The base of the links handed out: `http://host:port`, without a trailing slash.
 *
 * The configured URL wins; else the request's own Host, if it is a well-formed one; else the
 * address the client reached. Never the wildcard address of a listener.
 */
import { isIPv6 } from 'node:net'
import type { FastifyRequest } from 'fastify'

/** What is read of a request. Fastify has applied `X-Forwarded-*` of trusted proxies to it. */
export type BaseUrlRequest = Pick<FastifyRequest, 'host' | 'protocol' | 'socket'>

/** The base URL of the links in the answer to a request. */
export type BaseUrlOf = (request: BaseUrlRequest) => string

/** @param configured `SWARMGATE_GATEWAY_URL`, without a trailing slash. */
export function createBaseUrl(configured: string | undefined): BaseUrlOf {
  return (request) => {
    if (configured !== undefined) return configured
    const host = isAuthority(request.host) ? request.host.toLowerCase() : reachedAt(request)
    return `${request.protocol === 'https' ? 'https' : 'http'}://${host}`
  }
}

/** The base URL of a listener, to print: a wildcard address is shown as `localhost`. */
export function listenerUrl(address: string, port: number): string {
  const wildcard = address === '0.0.0.0' || address === '::'
  return `http://${wildcard ? 'localhost' : bracketed(address)}:${port}`
}

const NAME = /^[a-z0-9_]([a-z0-9._-]{0,251}[a-z0-9_.])?$/i

/** Whether a Host header is `host` or `host:port` and safe to put into a link. */
function isAuthority(host: string | undefined): host is string {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(host ?? '')
  if (match === null) return false
  const [, literal, name, port] = match
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return false
  if (literal !== undefined) return isIPv6(literal) && literal !== '::'
  // A name that ends in a number is an address or nothing at all.
  return NAME.test(name ?? '') && name !== '0.0.0.0' && URL.canParse(`http://${name}`)
}

function reachedAt({ socket }: BaseUrlRequest): string {
  const address = (socket.localAddress ?? '127.0.0.1').replace(/^::ffff:(?=\d+\.)/i, '')
  return `${bracketed(address)}:${socket.localPort ?? 80}`
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address
}
