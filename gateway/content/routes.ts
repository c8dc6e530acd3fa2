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
import type { Entry } from '../../lib/control/control.ts'
import { magnetDocument, torrentDocument } from './documents.ts'
import type { FileServer } from './file-server.ts'

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
    const { path, query } = splitUrl(request.raw.url ?? '/')
    const document = SUFFIX.exec(path)
    if (document !== null) return sendDocument(request, reply, document[1] ?? '', document[2])

    const target = parseContentPath(path)
    if ('error' in target) throw new AppError(target.error, target.detail)
    const entry = await deps.findEntry(target.infoHash, request.signal)
    if (target.segments.length === 0) {
      void reply.header('cache-control', MINUTE)
      return deps.sendListing(request, reply, entry)
    }
    await deps.files.send(request, reply, entry, target.segments, query)
    return reply
  }

  async function sendDocument(
    request: FastifyRequest,
    reply: FastifyReply,
    text: string,
    kind: string | undefined
  ): Promise<FastifyReply> {
    const infoHash = parseInfoHash(text)
    if (infoHash === undefined) throw new AppError('INFOHASH_INVALID', `${text} is no infohash`)
    const entry = await deps.findEntry(infoHash, request.signal)
    const baseUrl = deps.baseUrlOf(request)
    void reply.header('cache-control', MINUTE).header('access-control-allow-origin', '*')
    if (kind === 'magnet') {
      return reply
        .type('text/plain; charset=utf-8')
        .send(`${magnetDocument(entry, baseUrl, deps.announceUrls)}\n`)
    }
    const info = await deps.infoOf(infoHash, request.signal)
    return reply
      .type('application/x-bittorrent')
      .send(torrentDocument(entry, info, baseUrl, deps.announceUrls))
  }
}

const PREFLIGHT = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, HEAD, OPTIONS',
  'access-control-allow-headers': 'Range, If-Range, If-Match, If-None-Match, If-Modified-Since',
  'access-control-max-age': '86400',
  allow: 'GET, HEAD, OPTIONS'
}

/** Splits a request target; the absolute form loses its origin (RFC 9112 §3.2.2). */
function splitUrl(url: string): { path: string; query: URLSearchParams } {
  const target = url.startsWith('/') ? url : url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '')
  const mark = target.indexOf('?')
  const path = mark === -1 ? target : target.slice(0, mark)
  return {
    path: path === '' ? '/' : path,
    query: new URLSearchParams(mark === -1 ? '' : target.slice(mark + 1))
  }
}
