/** Answers the URL of a folder in the form the client asked for. */
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { negotiate } from '../../core/negotiate.ts'
import type { BaseUrlOf } from '../../lib/api/base-url.ts'
import { torrentLinks } from '../../lib/api/torrent.ts'
import type { Entry } from '../../lib/control/control.ts'
import { createPathLookup, type Folder, type ResolvePath } from '../content/folder.ts'
import type { Hosts } from '../origin/host-check.ts'
import { PAGE_HEADERS } from './document.ts'
import { gatewayPlace, type ListingPlace, listingDocument } from './listing.ts'
import { renderListingPage } from './listing-page.ts'

export interface ListingSenderDeps {
  readonly baseUrlOf: BaseUrlOf
  /** What goes into the magnet. */
  readonly announceUrls: readonly string[]
  /** The lookup that others use too, so that an entry is indexed once. */
  readonly resolvePath?: ResolvePath
  /** Where a torrent with an index is a site of its own; absent: nowhere. */
  readonly siteUrl?: Hosts['siteUrl']
}

export interface ListingChoice {
  /** Absent: the root. */
  readonly folder?: Folder
  /** `?format=json`, whatever the client accepts. */
  readonly json?: boolean
  /** Absent: the gateway's own host. */
  readonly place?: ListingPlace
}

export type SendListing = (
  request: FastifyRequest,
  reply: FastifyReply,
  entry: Entry,
  choice?: ListingChoice
) => FastifyReply

/** The first is for everybody who names neither. */
const FORMS = ['text/html', 'application/json'] as const

/** A JSON document of more files is streamed, without a length. */
const MAX_WHOLE = 1000

/** Leaves status and `Cache-Control` to the caller. */
export function createListingSender(deps: ListingSenderDeps): SendListing {
  const { baseUrlOf, announceUrls, resolvePath = createPathLookup() } = deps

  return (request, reply, entry, choice = {}) => {
    const { json = false, place = gatewayPlace(entry, baseUrlOf(request)) } = choice
    const folder = choice.folder ?? rootOf(resolvePath, entry)
    const { magnet } = torrentLinks(entry, place.baseUrl, announceUrls)
    const listing = { entry, folder, place, magnet, siteUrl: siteOf(entry, folder, place) }
    reply.header('vary', 'Accept')
    if (!json && negotiate(request.headers.accept, FORMS) !== 'application/json') {
      return reply.headers(PAGE_HEADERS).send(renderListingPage(listing))
    }
    reply.header('access-control-allow-origin', '*').type('application/json; charset=utf-8')
    const pieces = listingDocument(listing)
    if (folder.fileCount <= MAX_WHOLE) return reply.send([...pieces].join(''))
    // A client that takes no body never slows a stream down: it would be made at one go.
    return reply.send(
      request.method === 'HEAD' ? undefined : Readable.from(pieces, { objectMode: false })
    )
  }

  /** Undefined below a signed link too: `siteUrl` gives a base with a path no site. */
  function siteOf({ infoHash }: Entry, { path, index }: Folder, { baseUrl }: ListingPlace) {
    if (path !== '' || index === undefined) return undefined
    return deps.siteUrl?.(baseUrl, infoHash)
  }
}

function rootOf(resolvePath: ResolvePath, entry: Entry): Folder {
  const target = resolvePath(entry, [])
  if (target?.kind !== 'folder') throw new Error('every torrent has a root')
  return target.folder
}
