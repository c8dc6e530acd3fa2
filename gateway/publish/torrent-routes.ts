/** `/v1/torrents`: what is published, one torrent's status, and unpublishing it. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Static } from 'typebox'
import { AppError } from '../../core/errors.ts'
import { type InfoHash, parseInfoHash } from '../../core/info-hash.ts'
import type { BaseUrlOf, BaseUrlRequest } from '../../lib/api/base-url.ts'
import {
  type Torrent,
  TorrentPageSchema,
  TorrentQuerySchema,
  TorrentSchema
} from '../../lib/api/torrent.ts'
import type { PresentTorrent } from '../../lib/api/torrent-presenter.ts'
import type { Control, Entry } from '../../lib/control/control.ts'
import type { Replica } from '../../lib/control/replica.ts'
import { whenLeft } from '../../lib/http/when-left.ts'
import { publishedEntry } from '../published-entry.ts'

export interface TorrentDeps {
  readonly control: Pick<Control, 'list' | 'unpublish'>
  readonly replica: Pick<Replica, 'lookup' | 'apply'>
  readonly present: PresentTorrent
  readonly baseUrlOf: BaseUrlOf
}

interface TorrentParams {
  Params: { infoHash: string }
}

interface PageQuery {
  Querystring: Static<typeof TorrentQuerySchema>
}

const pageSchema = { querystring: TorrentQuerySchema, response: { 200: TorrentPageSchema } }
const torrentSchema = { response: { 200: TorrentSchema } }

export function torrentRoutes(app: FastifyInstance, deps: TorrentDeps): void {
  app.get<PageQuery>('/v1/torrents', { schema: pageSchema }, async (request, reply) => {
    const { items, nextCursor } = await deps.control.list(request.query)
    if (nextCursor !== null) {
      reply.header('link', nextLink(request, request.query.limit, nextCursor))
    }
    return { items: items.map((entry) => describe(entry, request)), nextCursor }
  })

  const status = { schema: torrentSchema }
  app.get<TorrentParams>('/v1/torrents/:infoHash', status, async (request, reply) => {
    const infoHash = parse(request.params.infoHash)
    const entry = await publishedEntry(deps.replica, infoHash, whenLeft(reply))
    const etag = `"${entry.revision}"`
    reply.header('etag', etag)
    if (namesTag(request.headers['if-none-match'], etag)) return reply.code(304).send()
    return describe(entry, request)
  })

  app.delete<TorrentParams>('/v1/torrents/:infoHash', async (request, reply) => {
    return unpublish(parse(request.params.infoHash), reply)
  })

  /** Here the tombstone takes effect before the answer leaves; elsewhere by the feed. */
  async function unpublish(infoHash: InfoHash, reply: FastifyReply): Promise<FastifyReply> {
    const entry = await deps.control.unpublish(infoHash)
    if (entry === undefined) throw unknown(infoHash)
    deps.replica.apply({ type: 'entry', entry })
    return reply.code(204).send()
  }

  function describe(entry: Entry, request: BaseUrlRequest): Torrent {
    return deps.present(entry, deps.baseUrlOf(request))
  }

  function nextLink(request: BaseUrlRequest, limit: number, cursor: string): string {
    const query = new URLSearchParams({ limit: String(limit), cursor })
    return `<${deps.baseUrlOf(request)}/v1/torrents?${query}>; rel="next"`
  }
}

function parse(text: string): InfoHash {
  const infoHash = parseInfoHash(text)
  if (infoHash !== undefined) return infoHash
  throw new AppError('INFOHASH_INVALID', `${JSON.stringify(text.slice(0, 100))} is no infohash.`)
}

function unknown(infoHash: InfoHash): AppError {
  return new AppError('CONTENT_UNKNOWN', `${infoHash} is not published.`)
}

/** If-None-Match (RFC 9110 §13.1.2): the weak comparison. */
function namesTag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  if (header.trim() === '*') return true
  return [...header.matchAll(/"[^"]*"/g)].some(([tag]) => tag === etag)
}
