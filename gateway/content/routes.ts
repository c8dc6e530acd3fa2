/**
 * The public face of content: GET and HEAD of `/{infohash}…`.
 *
 * One wildcard route, because a content path is opaque: it is parsed here from the raw URL and
 * looked up in the catalogue entry, never on a disk.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { parseContentPath } from '../../core/content-path.ts'
import { AppError } from '../../core/errors.ts'
import { type InfoHash, parseInfoHash } from '../../core/info-hash.ts'
import { torrentLinks } from '../../lib/api/torrent.ts'
import type { Entry } from '../../lib/control/control.ts'
import { whenLeft } from '../../lib/http/when-left.ts'
import { torrentDocument } from './documents.ts'
import type { Exchange, FileServer } from './file-server.ts'

export interface ContentDeps {
  readonly files: FileServer
  /** The published entry. Rejects with CONTENT_UNKNOWN, CONTENT_GONE or TRACKER_UNAVAILABLE. */
  readonly findEntry: (infoHash: InfoHash, signal: AbortSignal) => Promise<Entry>
  /** The info dictionary exactly as hashed. */
  readonly infoOf: (infoHash: InfoHash, signal: AbortSignal) => Promise<Uint8Array>
  readonly baseUrlOf: (request: FastifyRequest) => string
  readonly announceUrls: readonly string[]
  /** Answers `/{infohash}/`: what is in the torrent, as HTML or JSON. */
  readonly sendListing: (request: FastifyRequest, reply: FastifyReply, entry: Entry) => FastifyReply
}

const MINUTE = 'max-age=60'
const SUFFIX = /^\/([^/]+)\.(torrent|magnet)$/

export function contentRoutes(app: FastifyInstance, deps: ContentDeps): void {
  app.route({ method: ['GET', 'HEAD'], url: '/*', exposeHeadRoute: false, handler })
  app.options('/*', (_request, reply) => reply.code(204).headers(PREFLIGHT).send())

  async function handler(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { path, query } = splitTarget(request.url)
    const signal = whenLeft(reply)
    const [, text, kind] = SUFFIX.exec(path) ?? []
    if (text !== undefined) return sendDocument({ request, reply, signal }, text, kind)

    const target = parseContentPath(path)
    if ('error' in target) throw new AppError(target.error, target.detail)
    const entry = await deps.findEntry(target.infoHash, signal)
    if (target.segments.length === 0) {
      reply.header('cache-control', MINUTE)
      return deps.sendListing(request, reply, entry)
    }
    await deps.files.send({ request, reply, signal }, entry, target.segments, query)
    return reply
  }

  async function sendDocument(
    { request, reply, signal }: Exchange,
    text: string,
    kind: string | undefined
  ): Promise<FastifyReply> {
    const infoHash = parseInfoHash(text)
    if (infoHash === undefined) throw new AppError('INFOHASH_INVALID', `${text} is no infohash`)
    const entry = await deps.findEntry(infoHash, signal)
    const baseUrl = deps.baseUrlOf(request)
    const { announceUrls } = deps
    reply.header('cache-control', MINUTE).header('access-control-allow-origin', '*')
    if (kind === 'magnet') {
      const { magnet } = torrentLinks(entry, baseUrl, announceUrls)
      return reply.type('text/plain; charset=utf-8').send(`${magnet}\n`)
    }
    const info = await deps.infoOf(infoHash, signal)
    reply.type('application/x-bittorrent')
    return reply.send(torrentDocument(entry, info, baseUrl, announceUrls))
  }
}

const PREFLIGHT = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, HEAD, OPTIONS',
  'access-control-allow-headers': 'Range, If-Range, If-Match, If-None-Match, If-Modified-Since',
  'access-control-max-age': '86400',
  allow: 'GET, HEAD, OPTIONS'
}

function splitTarget(target: string): { path: string; query: URLSearchParams } {
  const mark = target.indexOf('?')
  if (mark === -1) return { path: target, query: new URLSearchParams() }
  return { path: target.slice(0, mark), query: new URLSearchParams(target.slice(mark + 1)) }
}
