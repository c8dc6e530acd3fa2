/** What a URL of content asks for: a document about a torrent, or something in it. Pure. */
import { type ContentPath, parseContentPath } from '../../core/content-path.ts'
import { AppError } from '../../core/errors.ts'
import { parseInfoHash } from '../../core/info-hash.ts'
import { splitSignedPath } from '../access/link-gate.ts'
import { type DocumentKind, parseDocumentKind } from './documents/kind.ts'

export interface ContentUrl extends ContentPath {
  /** Of `/s/{token}/…`. */
  readonly token: string | undefined
  /** Of `/{infohash}.{kind}`. */
  readonly document: DocumentKind | undefined
  readonly query: URLSearchParams
}

/**
 * Reads a request target, still percent-encoded.
 * @throws AppError INFOHASH_INVALID, PATH_INVALID
 */
export function parseContentUrl(target: string): ContentUrl {
  const mark = target.indexOf('?')
  const rawPath = mark === -1 ? target : target.slice(0, mark)
  const query = new URLSearchParams(mark === -1 ? '' : target.slice(mark + 1))
  const { token, path } = splitSignedPath(rawPath) ?? { token: undefined, path: rawPath }
  const document = parseDocument(path)
  if (document !== undefined) return { ...document, token, query }
  const parsed = parseContentPath(path)
  if ('error' in parsed) throw new AppError(parsed.error, parsed.detail)
  return { ...parsed, token, document: undefined, query }
}

/** Whether the names in a request target are opaque bytes: everywhere but below the API. */
export function isContentTarget(target: string): boolean {
  return !/^\/v1(?:[/?]|$)/.test(target)
}

function parseDocument(path: string) {
  const [, digits = '', suffix = ''] = /^\/([^/]+)\.([a-z0-9]+)$/.exec(path) ?? []
  const document = parseDocumentKind(suffix)
  if (document === undefined) return undefined
  const infoHash = parseInfoHash(digits)
  if (infoHash === undefined) throw new AppError('INFOHASH_INVALID', `${digits} is no infohash`)
  return { document, infoHash, segments: [], trailingSlash: false }
}
