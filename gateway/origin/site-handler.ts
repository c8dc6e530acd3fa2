/**
 * A torrent as a web site, on a host of its own: what `sites.ts` answers, sent.
 *
 * The rules of content hold here as well (limits, denylist, mode); scripts may run, because
 * nothing else is on this origin.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { InfoHash } from '../../core/info-hash.ts'
import type { BaseUrlOf } from '../../lib/api/base-url.ts'
import type { Entry } from '../../lib/control/control.ts'
import { limitResponse, type ResponseLimit } from '../../lib/http/response-limit.ts'
import { whenLeft } from '../../lib/http/when-left.ts'
import type { ContentAccess } from '../access/content-access.ts'
import type { LinkGate } from '../access/link-gate.ts'
import { fileRepresentation } from '../content/file-representation.ts'
import type { Exchange, FileServer } from '../content/file-server.ts'
import { sitePlace } from '../site/listing.ts'
import type { SendListing } from '../site/listing-sender.ts'
import type { Hosts } from './host-check.ts'
import type { SiteAnswer, Sites } from './sites.ts'

export interface SiteHandlerDeps {
  readonly sites: Sites
  readonly hosts: Pick<Hosts, 'gatewayUrl'>
  readonly limit: ResponseLimit
  readonly gate: LinkGate
  readonly access: ContentAccess
  readonly files: Pick<FileServer, 'send'>
  readonly sendListing: SendListing
  readonly baseUrlOf: BaseUrlOf
}

export type ServeSite = (
  request: FastifyRequest,
  reply: FastifyReply,
  infoHash: InfoHash
) => Promise<void>

/** Of what nobody asked to be found. */
const HEADERS = { 'x-robots-tag': 'noindex' }

export function createSiteHandler(deps: SiteHandlerDeps): ServeSite {
  const { access, gate } = deps

  async function serve(
    request: FastifyRequest,
    reply: FastifyReply,
    infoHash: InfoHash
  ): Promise<void> {
    request.contentRoute = 'site'
    limitResponse(deps.limit, request, reply)
    using denial = access.watch(infoHash)
    const exchange = { request, reply, signal: whenLeft(reply, denial.signal) }
    const origin = deps.hosts.gatewayUrl(deps.baseUrlOf(request))
    // A site's URLs have no place for a token: where content needs one, there are no sites.
    const plain = { token: undefined, segments: [], address: request.ip }
    gate.admit({ ...plain, baseUrl: origin, infoHash })
    const entry = access.visible(await access.find(infoHash, exchange.signal))
    const answer = await deps.sites.answer(entry, request.url, exchange.signal)
    reply.headers(HEADERS)
    await send(exchange, entry, origin, answer)
  }

  async function send(
    exchange: Exchange,
    entry: Entry,
    origin: string,
    answer: SiteAnswer
  ): Promise<void> {
    const { request, reply } = exchange
    if (answer.kind === 'redirect') {
      reply.header('cache-control', 'max-age=60').redirect(answer.location, answer.status)
      return
    }
    if (answer.kind === 'listing') {
      const place = sitePlace(entry, origin)
      reply.header('cache-control', 'max-age=60')
      deps.sendListing(request, reply, entry, { folder: answer.folder, place })
      return
    }
    const { file, status } = answer
    access.check(entry.infoHash, segmentsOf(entry, file.path))
    const view = { download: false, filename: undefined, site: true, linkBase: origin }
    const { infoHash } = entry
    const representation = fileRepresentation(entry, file, view)
    const headers = { ...representation.headers, ...HEADERS }
    await deps.files.send(exchange, infoHash, { ...representation, headers }, status)
  }

  return serve
}

function segmentsOf({ name, single }: Entry, path: string): string[] {
  return single ? [name] : [name, ...path.split('/')]
}
