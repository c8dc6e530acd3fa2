/**
 * `/announce` and `/scrape` of the tracker's HTTP port.
 *
 * The port belongs to the tracker; this takes the requests that are ours. Failures are bencoded
 * with status 200, as clients expect. `X-Forwarded-For` is not read: whoever connects, announces.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { parseAddress } from './address.ts'
import { failureBody, scrapeBody } from './answer.ts'
import { httpAction, parseHttpRequest } from './http-request.ts'
import type { AnnounceMetrics } from './metrics.ts'
import type { Policy } from './policy.ts'
import type { Shell } from './shell.ts'

/** @returns whether the request was ours; if so, it is answered */
export type HttpDoor = (request: IncomingMessage, response: ServerResponse) => boolean

export function createHttpDoor(deps: {
  readonly shell: Shell
  readonly policy: Policy
  readonly metrics: AnnounceMetrics
}): HttpDoor {
  return (request, response) => {
    if (httpAction(request.url) === undefined) return false
    if (request.method === 'GET' || request.method === 'HEAD') serve(request, response)
    else response.writeHead(405, { Allow: 'GET, HEAD' }).end()
    return true
  }

  function serve(request: IncomingMessage, response: ServerResponse): void {
    const { remoteAddress } = request.socket
    const from = parseAddress(remoteAddress)
    if (from === undefined || remoteAddress === undefined) {
      // The client is gone already.
      response.destroy()
      return
    }
    response.setHeader('Content-Type', 'text/plain')
    response.setHeader('Cache-Control', 'no-store')
    const parsed = parseHttpRequest(request.url ?? '', from)
    if (parsed.kind === 'invalid') {
      deps.metrics.invalid('http', from.family)
      response.end(failureBody(parsed.reason))
    } else if (parsed.kind === 'scrape') {
      response.end(scrapeBody(parsed, deps.policy.scrape(parsed)))
    } else {
      deps.shell.serveHttp(parsed, response, remoteAddress)
    }
  }
}
