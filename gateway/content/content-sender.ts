/**
 * Answers with what a path names in a torrent: a file, a folder's page or listing, an archive, a
 * playlist. Who may ask for it has been settled before.
 */
import type { FastifyReply } from 'fastify'
import { contentUrlPath } from '../../core/content-path.ts'
import { AppError } from '../../core/errors.ts'
import type { Entry, EntryFile } from '../../lib/control/control.ts'
import type { LinkPass } from '../access/link-gate.ts'
import type { ContentRoute } from '../metrics.ts'
import { gatewayPlace } from '../site/listing.ts'
import type { SendListing } from '../site/listing-sender.ts'
import type { ArchiveFormat } from './archive/archive.ts'
import type { ArchiveOf } from './archive/archives.ts'
import { type DocumentKind, documentForFile } from './documents/kind.ts'
import { linkHeader } from './file-links.ts'
import { fileRepresentation } from './file-representation.ts'
import type { Exchange, FileServer } from './file-server.ts'
import { type Folder, folderAround, type ResolvePath, type Target } from './folder.ts'
import { dispositionOf } from './media-type.ts'
import { PLAYLIST_TYPE, playlistOf } from './playlist.ts'
import type { Representation } from './representation.ts'

export interface ContentSenderDeps {
  readonly files: Pick<FileServer, 'send'>
  readonly archiveOf: ArchiveOf
  readonly resolvePath: ResolvePath
  readonly sendListing: SendListing
}

/** A request that was let in: for what, and by which link. */
export interface Visit {
  readonly exchange: Exchange
  readonly entry: Entry
  readonly segments: readonly string[]
  readonly trailingSlash: boolean
  readonly query: URLSearchParams
  /** Base of the gateway's URLs, without a trailing slash and without the link. */
  readonly origin: string
  /** `/s/{token}` for a signed URL, else empty. */
  readonly prefix: string
  readonly pass: LinkPass
}

export type SendContent = (visit: Visit) => Promise<FastifyReply>

const FORMATS = ['zip', 'tar', 'json', 'm3u'] as const
type Format = (typeof FORMATS)[number]

export function createContentSender(deps: ContentSenderDeps): SendContent {
  async function send(visit: Visit): Promise<FastifyReply> {
    const { exchange, entry, segments, trailingSlash, query } = visit
    const target = deps.resolvePath(entry, segments)
    if (target === undefined) throw unknownFile(entry, segments)
    const format = formatOf(query)
    exchange.request.contentRoute = routeOf(visit, target.kind, format)
    if (target.kind === 'file') {
      if (trailingSlash) throw unknownFile(entry, segments)
      if (format === undefined) return sendFile(visit, target.file)
      return sendFormat(visit, folderAround(target.file), format)
    }
    if (format !== undefined) return sendFormat(visit, target.folder, format)
    if (segments.length > 0 && !trailingSlash) return redirectToFolder(visit)
    // The root has two URLs: the bare one always tells what is in the torrent.
    const page = segments.length > 0 ? target.folder.index : undefined
    return page === undefined ? list(visit, target.folder, false) : sendFile(visit, page)
  }

  async function sendFile(visit: Visit, file: EntryFile): Promise<FastifyReply> {
    const { exchange, entry, query, pass, prefix } = visit
    const { request, reply } = exchange
    const representation = fileRepresentation(entry, file, {
      download: isSet(query.get('download')),
      filename: query.get('filename') || undefined,
      linkBase: prefix,
      wantedDigest: request.headers['want-repr-digest']
    })
    const document = documentForFile(request.headers.accept, representation.mediaType)
    if (document !== undefined) return redirectToDocument(visit, document)
    const cacheControl = pass.cacheControl(representation.cacheControl)
    const headers = { ...representation.headers, ...pass.headers }
    await deps.files.send(exchange, entry.infoHash, { ...representation, cacheControl, headers })
    return reply
  }

  async function sendFormat(visit: Visit, folder: Folder, format: Format): Promise<FastifyReply> {
    if (format === 'json') return list(visit, folder, true)
    if (format === 'm3u') return sendPlaylist(visit, folder)
    return sendArchive(visit, folder, format)
  }

  async function sendArchive(visit: Visit, folder: Folder, format: ArchiveFormat) {
    const { exchange, entry, pass, prefix } = visit
    const link = linkHeader(entry.infoHash, prefix)
    const archive = deps.archiveOf(entry, folder, format)
    const representation: Representation = {
      ...archive,
      cacheControl: pass.cacheControl(archive.cacheControl),
      headers: { ...archive.headers, link, ...pass.headers, ...renamed(visit) }
    }
    await deps.files.send(exchange, entry.infoHash, representation)
    return exchange.reply
  }

  function sendPlaylist(visit: Visit, folder: Folder): FastifyReply {
    const { entry, pass } = visit
    return short(visit)
      .header('content-disposition', dispositionOf(`${folder.name}.m3u`, false))
      .header('access-control-allow-origin', '*')
      .headers(renamed(visit))
      .type(PLAYLIST_TYPE)
      .send(playlistOf(entry, folder, pass.baseUrl))
  }

  function list(visit: Visit, folder: Folder, json: boolean): FastifyReply {
    const { exchange, entry, origin, prefix } = visit
    const place = gatewayPlace(entry, origin, prefix)
    return deps.sendListing(exchange.request, short(visit), entry, { folder, json, place })
  }

  return send
}

/** Answers that are made anew each time are kept for a minute. */
function short({ exchange, pass }: Visit): FastifyReply {
  return exchange.reply.header('cache-control', pass.cacheControl('max-age=60', 60))
}

function redirectToFolder(visit: Visit): FastifyReply {
  const { entry, segments, query, prefix } = visit
  const [name = '', ...path] = segments
  const below = path.length === 0 ? '' : `${path.join('/')}/`
  const folder = prefix + contentUrlPath(entry.infoHash, name, below)
  return short(visit).redirect(query.size === 0 ? folder : `${folder}?${query}`, 301)
}

/** The file itself is kept for ever and has no `Vary`: this answer is kept by nobody. */
function redirectToDocument({ exchange, entry, prefix }: Visit, kind: DocumentKind): FastifyReply {
  exchange.reply.headers({ 'cache-control': 'no-store', vary: 'Accept' })
  return exchange.reply.redirect(`${prefix}/${entry.infoHash}.${kind}`, 303)
}

/** `?filename=` and `?download=1` say what an archive or a playlist is saved as. */
function renamed({ query }: Visit): Record<string, string> {
  const name = query.get('filename')
  return name ? { 'content-disposition': dispositionOf(name, true) } : {}
}

function formatOf(query: URLSearchParams): Format | undefined {
  const text = query.get('format')
  if (text === null) return undefined
  const format = FORMATS.find((known) => known === text)
  if (format !== undefined) return format
  throw new AppError('REQUEST_INVALID', `format is one of ${FORMATS.join(', ')}`)
}

/** The label of the metrics. */
function routeOf(
  { prefix }: Visit,
  kind: Target['kind'],
  format: Format | undefined
): ContentRoute {
  if (prefix !== '') return 'signed'
  if (format === 'm3u') return 'playlist'
  if (format === 'zip' || format === 'tar') return 'archive'
  return kind === 'folder' || format === 'json' ? 'listing' : 'content'
}

function isSet(value: string | null): boolean {
  return value !== null && value !== '0' && value !== 'false'
}

function unknownFile({ infoHash }: Entry, segments: readonly string[]): AppError {
  return new AppError('FILE_UNKNOWN', `${infoHash} has no file ${segments.join('/').slice(0, 500)}`)
}
