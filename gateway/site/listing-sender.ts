/** Answers `/{infohash}/` in the form the client asked for. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { BaseUrlOf } from '../../lib/api/base-url.ts'
import { torrentLinks } from '../../lib/api/torrent.ts'
import type { Entry } from '../../lib/control/control.ts'
import { PAGE_HEADERS } from './document.ts'
import { listingDocument, listingOf, renderListingPage } from './listing.ts'

export interface ListingSenderDeps {
  readonly baseUrlOf: BaseUrlOf
  /** What goes into the magnet. */
  readonly announceUrls: readonly string[]
}

export type SendListing = (
  request: FastifyRequest,
  reply: FastifyReply,
  entry: Entry
) => FastifyReply

/** Leaves status and `Cache-Control` to the caller. */
export function createListingSender({ baseUrlOf, announceUrls }: ListingSenderDeps): SendListing {
  return (request, reply, entry) => {
    const baseUrl = baseUrlOf(request)
    const listing = listingOf(entry, torrentLinks(entry, baseUrl, announceUrls))
    reply.header('vary', 'Accept')
    if (prefersJson(request.headers.accept)) {
      reply.header('access-control-allow-origin', '*')
      return reply.type('application/json; charset=utf-8').send(listingDocument(listing, baseUrl))
    }
    return reply.headers(PAGE_HEADERS).send(renderListingPage(listing))
  }
}

/** True when JSON is named and HTML is not, or JSON with the greater weight (RFC 9110 §12.5.1). */
export function prefersJson(accept = ''): boolean {
  const weights = new Map<string, number>()
  for (const item of accept.toLowerCase().split(',').slice(0, 100)) {
    const [type = '', ...parameters] = item.split(';').map((part) => part.trim())
    const q = parameters.find((parameter) => parameter.startsWith('q='))
    weights.set(type, q === undefined ? 1 : Number(q.slice(2)) || 0)
  }
  return (weights.get('application/json') ?? 0) > (weights.get('text/html') ?? 0)
}
