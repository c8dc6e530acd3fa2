/** The metrics of the gateway (CONTRACT, Metrics). */
import type { FastifyInstance } from 'fastify'
import type { Counter, Histogram, Metrics } from '../lib/metrics/metrics.ts'

/** What a request of content got; `signed` by a signed URL, `site` on a torrent's own origin. */
export type ContentRoute =
  | 'archive'
  | 'content'
  | 'document'
  | 'listing'
  | 'playlist'
  | 'signed'
  | 'site'

declare module 'fastify' {
  interface FastifyRequest {
    /** Tells apart in the metrics what the one wildcard route answers. */
    contentRoute?: ContentRoute | undefined
  }
}

export interface GatewayMetrics {
  readonly responseBytes: Counter<'source'>
  readonly firstByteSeconds: Histogram
  readonly requests: Counter<'route' | 'method' | 'status'>
  readonly stalls: Counter
}

export function createGatewayMetrics(metrics: Metrics): GatewayMetrics {
  return {
    responseBytes: metrics.counter(
      'swarmgate_http_response_bytes_total',
      'Content bytes sent over HTTP, by where they came from',
      ['source']
    ),
    firstByteSeconds: metrics.histogram(
      'swarmgate_http_first_byte_seconds',
      'Time until the first byte of a content response was there'
    ),
    requests: metrics.counter(
      'swarmgate_http_requests_total',
      'Requests answered by the public HTTP server',
      ['route', 'method', 'status']
    ),
    stalls: metrics.counter(
      'swarmgate_http_stalls_total',
      'Content responses that were reset because the swarm or the client stalled'
    )
  }
}

/**
 * Counts every response of `app` by what it was of, or by the pattern of its route: never by the
 * path itself. To be called before the first route is added.
 */
export function countRequests(app: FastifyInstance, { requests }: GatewayMetrics): void {
  app.decorateRequest('contentRoute', undefined)
  app.addHook('onResponse', async (request, reply) => {
    const route = request.contentRoute ?? request.routeOptions.url ?? 'none'
    requests.inc({ route, method: request.method, status: reply.statusCode })
  })
}
