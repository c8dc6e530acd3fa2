/**
 * Answers with a document about a torrent: `/{infohash}.torrent`, `.magnet`, `.sha256`, `.meta4`.
 *
 * Made anew for each request, with a strong validator by content. They have no Last-Modified: what
 * changes them (trackers, hashes that became known) leaves no date. What is told of very many files
 * is made as it is sent, for it would stop everybody else and be large; its validator is by what it
 * is made from. How long they may be kept, and whether `Accept` chose one, is the caller's to say.
 */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../../../core/errors.ts'
import type { InfoHash } from '../../../core/info-hash.ts'
import { torrentLinks } from '../../../lib/api/torrent.ts'
import type { Entry } from '../../../lib/control/control.ts'
import { dispositionOf } from '../media-type.ts'
import { checkPreconditions } from '../preconditions.ts'
import { checksumDocument } from './checksums.ts'
import { gathered } from './gathered.ts'
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

/** The bytes of a document, or what makes them where they are too many to hold. */
interface Content {
  readonly etag: string
  readonly body: Buffer | Iterable<Buffer>
}

/** What is told of more files than these is not made whole. */
const MAX_WHOLE = 1000
/** Part of the validator of a streamed document: another number for every change of its form. */
const VERSION = 1

export function createDocuments(deps: DocumentsDeps): Documents {
  const { infoOf, announceUrls } = deps
  const digests = new WeakMap<Entry, string>()

  async function contentOf(
    { signal }: DocumentExchange,
    entry: Entry,
    kind: DocumentKind,
    baseUrl: string
  ): Promise<Content> {
    switch (kind) {
      case 'torrent':
        return whole(
          torrentDocument(entry, await infoOf(entry.infoHash, signal), baseUrl, announceUrls)
        )
      case 'magnet':
        return whole(Buffer.from(`${torrentLinks(entry, baseUrl, announceUrls).magnet}\n`))
      case 'sha256':
        return listed(entry, kind, checksumDocument(entry, deps.progressOf?.(entry.infoHash)))
      case 'meta4':
        return listed(entry, kind, metalinkDocument(entry, baseUrl), baseUrl)
    }
  }

  function listed(
    entry: Entry,
    kind: DocumentKind,
    pieces: Iterable<string | Uint8Array>,
    baseUrl = ''
  ): Content {
    const body = gathered(pieces)
    if (entry.files.length <= MAX_WHOLE) return whole(Buffer.concat([...body]))
    const { infoHash, name, createdAt } = entry
    const files = digests.get(entry) ?? digestOf(entry)
    digests.set(entry, files)
    const source = [VERSION, kind, infoHash, name, createdAt, baseUrl, files]
    return { etag: etagOf(Buffer.from(JSON.stringify(source))), body }
  }

  async function send(
    exchange: DocumentExchange,
    entry: Entry,
    kind: DocumentKind,
    baseUrl: string
  ): Promise<FastifyReply> {
    const { request, reply } = exchange
    const { etag, body } = await contentOf(exchange, entry, kind, baseUrl)
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
      .send(bodyFor(request.method, body))
  }

  return { send }
}

const SHARED = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'Content-Length, ETag, Link'
}

function whole(body: Buffer): Content {
  return { etag: etagOf(body), body }
}

/** Of which files are told of, and their hashes: paths and sizes are the infohash's. */
function digestOf({ files }: Entry): string {
  const hash = createHash('sha256')
  for (const { index, sha256 } of files) hash.update(`${index} ${sha256}\n`)
  return hash.digest('base64url')
}

/** A client that takes no body never slows a stream down: it would be made at one go. */
function bodyFor(method: string, body: Content['body']): Buffer | Readable | undefined {
  if (Buffer.isBuffer(body)) return body
  return method === 'HEAD' ? undefined : Readable.from(body, { objectMode: false })
}

function etagOf(bytes: Uint8Array): string {
  return `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 27)}"`
}
