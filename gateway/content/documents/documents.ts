/**
 * Answers with a document about a torrent: `/{infohash}.torrent`, `.magnet`, `.sha256`, `.meta4`.
 *
 * Made anew for each request, with a strong validator by content. They have no Last-Modified: what
 * changes them (trackers, hashes that became known) leaves no date. How long they may be kept, and
 * whether `Accept` chose one, is the caller's to say.
 */
import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../../../core/errors.ts'
import type { InfoHash } from '../../../core/info-hash.ts'
import { torrentLinks } from '../../../lib/api/torrent.ts'
import type { Entry } from '../../../lib/control/control.ts'
import { dispositionOf } from '../media-type.ts'
import { checkPreconditions } from '../preconditions.ts'
import { checksumDocument } from './checksums.ts'
import { DOCUMENT_TYPES, type DocumentKind } from './kind.ts'
import { metalinkDocument } from './metalink.ts'
import { torrentDocument } from './torrent.ts'

export interface DocumentsDeps {
  /** The info dictionary exactly as hashed. */
  readonly infoOf: (infoHash: InfoHash, signal: AbortSignal) => Promise<Uint8Array>
  readonly announceUrls: readonly string[]
  /** How far an import is, as a sentence for people; undefined when none is under way. */
  readonly progressOf?: (infoHash: InfoHash) => string | undefined
}

/** The parts of an exchange that a document needs. */
export interface DocumentExchange {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly signal: AbortSignal
}

export interface Documents {
  /**
   * Answers a GET or HEAD with a document of an entry.
   * @param baseUrl of the URLs in it, without a trailing slash
   * @throws AppError CONTENT_INCOMPLETE, PRECONDITION_FAILED, or what `infoOf` throws.
   */
  send(
    exchange: DocumentExchange,
    entry: Entry,
    kind: DocumentKind,
    baseUrl: string
  ): Promise<FastifyReply>
}

export function createDocuments(deps: DocumentsDeps): Documents {
  const { infoOf, announceUrls } = deps

  async function bytesOf(
    { signal }: DocumentExchange,
    entry: Entry,
    kind: DocumentKind,
    baseUrl: string
  ): Promise<Buffer> {
    switch (kind) {
      case 'torrent':
        return torrentDocument(entry, await infoOf(entry.infoHash, signal), baseUrl, announceUrls)
      case 'magnet':
        return Buffer.from(`${torrentLinks(entry, baseUrl, announceUrls).magnet}\n`)
      case 'sha256':
        return checksumDocument(entry, deps.progressOf?.(entry.infoHash))
      case 'meta4':
        return metalinkDocument(entry, baseUrl)
    }
  }

  async function send(
    exchange: DocumentExchange,
    entry: Entry,
    kind: DocumentKind,
    baseUrl: string
  ): Promise<FastifyReply> {
    const { request, reply } = exchange
    const bytes = await bytesOf(exchange, entry, kind, baseUrl)
    const etag = etagOf(bytes)
    const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = request.headers
    const condition = checkPreconditions(
      { 'if-match': ifMatch, 'if-none-match': ifNoneMatch },
      { etag, lastModified: 0 }
    )
    if (condition === 'failed') {
      throw new AppError('PRECONDITION_FAILED', `The ${kind} document is another one now.`)
    }
    reply.headers({ ...SHARED, etag })
    if (condition === 'not-modified') return reply.code(304).send()
    const name = `${entry.name}.${kind}`
    return reply
      .header('content-type', DOCUMENT_TYPES[kind])
      .header('content-disposition', dispositionOf(name, kind === 'torrent' || kind === 'meta4'))
      .header('x-content-type-options', 'nosniff')
      .send(bytes)
  }

  return { send }
}

const SHARED = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'Content-Length, ETag, Link'
}

function etagOf(bytes: Uint8Array): string {
  return `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 27)}"`
}
