/** The documents about a torrent: their suffixes, their types, and who asks for one by `Accept`. */
import { METALINK_TYPE } from '../../../core/metalink.ts'
import { negotiate, wishFor } from '../../../core/negotiate.ts'

/** Also the suffix of the URL: `/{infohash}.{kind}`. */
export type DocumentKind = 'torrent' | 'magnet' | 'sha256' | 'meta4'

export const TORRENT_TYPE = 'application/x-bittorrent'

export const DOCUMENT_TYPES: Readonly<Record<DocumentKind, string>> = {
  torrent: TORRENT_TYPE,
  magnet: 'text/plain; charset=utf-8',
  sha256: 'text/plain; charset=utf-8',
  meta4: METALINK_TYPE
}

/** Those that can be asked for by type; the first two are the listing's own forms. */
const FORMS = ['text/html', 'application/json', TORRENT_TYPE, METALINK_TYPE] as const

/** The kind that a suffix names. */
export function parseDocumentKind(suffix: string): DocumentKind | undefined {
  return Object.hasOwn(DOCUMENT_TYPES, suffix) ? (suffix as DocumentKind) : undefined
}

/** The document that a client wants of `/{infohash}`, or undefined when it wants the listing. */
export function documentForListing(accept: string | undefined): DocumentKind | undefined {
  return kindOf(negotiate(accept, FORMS))
}

/**
 * The document that a client wants of a file's URL, rather than the file: only when it says so by
 * a greater weight. Download programs name a metalink beside everything, and mean the file.
 */
export function documentForFile(
  accept: string | undefined,
  mediaType: string
): DocumentKind | undefined {
  if (accept === undefined || !/x-bittorrent|metalink4/i.test(accept)) return undefined
  const kind = kindOf(negotiate(accept, [TORRENT_TYPE, METALINK_TYPE]))
  if (kind === undefined) return undefined
  const [type = ''] = mediaType.split(';')
  const better = wishFor(accept, DOCUMENT_TYPES[kind]).weight > wishFor(accept, type).weight
  return better ? kind : undefined
}

function kindOf(type: string | undefined): DocumentKind | undefined {
  if (type === TORRENT_TYPE) return 'torrent'
  return type === METALINK_TYPE ? 'meta4' : undefined
}
