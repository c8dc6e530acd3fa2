/**
 * The public face of content: GET and HEAD of `/{infohash}…`, on the gateway's own host.
 *
 * One wildcard route, because a content path is opaque: it is parsed here from the raw URL and
 * looked up in the catalogue entry, never on a disk. Who may have what is asked in this order:
 * is there a place for one more response, does the link open it, is it denied, is it published.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { InfoHash } from '../../core/info-hash.ts'
import type { BaseUrlOf } from '../../lib/api/base-url.ts'
import type { Entry } from '../../lib/control/control.ts'
import { limitResponse, type ResponseLimit } from '../../lib/http/response-limit.ts'
import { whenLeft } from '../../lib/http/when-left.ts'
import type { ContentAccess } from '../access/content-access.ts'
import type { LinkGate } from '../access/link-gate.ts'
import { hintsOf, openTarget } from '../access/open-target.ts'
import type { SendContent, Visit } from './content-sender.ts'
import { type ContentUrl, parseContentUrl } from './content-url.ts'
import type { Documents } from './documents/documents.ts'
import { documentForListing } from './documents/kind.ts'
import type { Exchange } from './file-server.ts'
import { asksOnlyCached, notCached } from './only-if-cached.ts'

export interface ContentDeps {
  readonly limit: ResponseLimit
  readonly gate: LinkGate
  readonly access: ContentAccess
  /** Whether nobody has to be asked about an infohash. */
  readonly isKnown: (infoHash: InfoHash) => boolean
  /** Magnet links and other spellings of an infohash lead to content. */
  readonly open: boolean
  /** Whether it is a program on this machine that asks: private addresses may be reached for it. */
  readonly isNear: (request: FastifyRequest) => boolean
  readonly documents: Documents
  readonly sendContent: SendContent
  readonly baseUrlOf: BaseUrlOf
}

export function contentRoutes(app: FastifyInstance, deps: ContentDeps): void {
  const { gate, access, documents } = deps
  app.route({ method: ['GET', 'HEAD'], url: '/*', exposeHeadRoute: false, handler })
  app.options('/*', (_request, reply) => reply.code(204).headers(PREFLIGHT).send())

  async function handler(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const elsewhere = deps.open ? openTarget(request.url) : undefined
    if (elsewhere !== undefined) return reply.redirect(elsewhere.location, elsewhere.status)
    const url = parseContentUrl(request.url)
    limitResponse(deps.limit, request, reply)
    using denial = access.watch(url.infoHash, url.segments)
    const exchange = { request, reply, signal: whenLeft(reply, denial.signal) }
    return await answer(exchange, url)
  }

  async function answer(exchange: Exchange, url: ContentUrl): Promise<FastifyReply> {
    const { request, reply } = exchange
    const { infoHash, segments, token } = url
    const origin = deps.baseUrlOf(request)
    const pass = gate.admit({ token, baseUrl: origin, infoHash, segments, address: request.ip })
    reply.headers(pass.headers)
    access.check(infoHash, segments)
    const entry = access.visible(await find(exchange, url))
    const prefix = token === undefined ? '' : `/s/${token}`
    const visit: Visit = { ...url, exchange, entry, origin, prefix, pass }
    const document = documentOf(request, url)
    if (document === undefined) return deps.sendContent(visit)
    request.contentRoute = token === undefined ? 'document' : 'signed'
    if (url.document === undefined) reply.header('vary', 'Accept')
    reply.header('cache-control', pass.cacheControl('max-age=60', 60))
    return documents.send(exchange, entry, document, pass.baseUrl)
  }

  function find({ request, signal }: Exchange, { infoHash, query }: ContentUrl): Promise<Entry> {
    if (asksOnlyCached(request.headers) && !deps.isKnown(infoHash)) throw notCached()
    if (!deps.open) return access.find(infoHash, signal)
    return access.find(infoHash, signal, hintsOf(query, deps.isNear(request)))
  }
}

/** By its suffix, or of the torrent's own URL by what the client accepts. */
function documentOf({ headers }: FastifyRequest, { document, segments, query }: ContentUrl) {
  if (document !== undefined) return document
  return segments.length > 0 || query.has('format') ? undefined : documentForListing(headers.accept)
}

/** What OPTIONS is answered with wherever content is. */
export const PREFLIGHT = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, HEAD, OPTIONS',
  'access-control-allow-headers':
    'Range, If-Range, If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since, Cache-Control, Want-Repr-Digest',
  'access-control-max-age': '86400',
  allow: 'GET, HEAD, OPTIONS'
}
