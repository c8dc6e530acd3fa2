/**
 * Node's HTTP server with our timeouts, and a closing that waits for responses only.
 *
 * Headers have a deadline; bodies have none here (their reader keeps an idle timer), so that a
 * steady upload may take as long as it wants. Neither `100 Continue` nor 417 is ever sent by
 * Node itself.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { Socket } from 'node:net'

const HEADERS_TIMEOUT_MS = 20_000
const CHECK_TIMEOUTS_MS = 5000
/** Longer than the idle time of common proxies, so that they close first. */
export const KEEP_ALIVE_MS = 72_000

export interface HttpServer {
  readonly server: Server
  /** Closes each connection on which no response is under way. */
  closeIdle(): void
}

export function createHttpServer(handler: RequestListener): HttpServer {
  const options = {
    headersTimeout: HEADERS_TIMEOUT_MS,
    connectionsCheckingInterval: CHECK_TIMEOUTS_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: 0,
    requireHostHeader: false,
    noDelay: true
  }
  const server = createServer(options, handler)
  server.on('checkContinue', handler).on('checkExpectation', handler)

  // Node counts a connection as idle only after its first request; browsers open some in advance.
  const fresh = new Set<Socket>()
  const used = ({ socket }: IncomingMessage) => void fresh.delete(socket)
  server.on('connection', (socket: Socket) => {
    fresh.add(socket)
    socket.once('close', () => fresh.delete(socket))
  })
  server.prependListener('request', used).prependListener('checkContinue', used)

  return {
    server,
    closeIdle() {
      for (const socket of fresh) socket.destroy()
      server.closeIdleConnections()
    }
  }
}
