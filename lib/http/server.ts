/**
 * Node's HTTP server with our limits and timeouts, and a closing that waits for responses only.
 *
 * Headers have a size and a deadline, connections a number; bodies have none here (their reader keeps an idle timer), so that a
 * steady upload may take as long as it wants. Neither `100 Continue` nor 417 is ever sent by
 * Node itself.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { limitConnections } from './connection-limit.ts'

const HEADERS_TIMEOUT_MS = 20_000
const CHECK_TIMEOUTS_MS = 5000
/** Longer than the idle time of common proxies, so that they close first. */
export const KEEP_ALIVE_MS = 72_000

/** Request line and headers together: more is 431, or 414 when the line alone is longer. */
export const MAX_HEADER_BYTES = 16 * 1024
const MAX_CONNECTIONS = 8192
const MAX_CONNECTIONS_PER_ADDRESS = 1024

export interface HttpServerOptions {
  /** Connections at once, and of them from one address; the defaults suit a public server. */
  readonly maxConnections?: number
  readonly maxConnectionsPerAddress?: number
  /** Addresses that stand for many clients. */
  readonly isProxy?: (address: string) => boolean
}

export interface HttpServer {
  readonly server: Server
  /** Closes each connection on which no response is under way. */
  closeIdle(): void
}

export function createHttpServer(
  handler: RequestListener,
  {
    maxConnections: total = MAX_CONNECTIONS,
    maxConnectionsPerAddress: perAddress = MAX_CONNECTIONS_PER_ADDRESS,
    isProxy = () => false
  }: HttpServerOptions = {}
): HttpServer {
  const options = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    connectionsCheckingInterval: CHECK_TIMEOUTS_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: 0,
    requireHostHeader: false,
    noDelay: true
  }
  const server = createServer(options, handler)
  // Node would drop what comes after the 2000th header unseen; their size is bounded anyway.
  server.maxHeadersCount = 0
  server.on('checkContinue', handler).on('checkExpectation', handler)
  const closeUsed = () => server.closeIdleConnections()

  // Node counts a connection as idle only after its first request; browsers open some in advance.
  const fresh = new Set<Socket>()
  const used = ({ socket }: IncomingMessage) => void fresh.delete(socket)
  server.on('connection', (socket: Socket) => {
    if (socket.destroyed) return
    fresh.add(socket)
    socket.once('close', () => fresh.delete(socket))
  })
  server.prependListener('request', used).prependListener('checkContinue', used)
  limitConnections(server, { total, perAddress, isProxy }, closeUsed)

  return {
    server,
    closeIdle() {
      for (const socket of fresh) socket.destroy()
      closeUsed()
    }
  }
}
