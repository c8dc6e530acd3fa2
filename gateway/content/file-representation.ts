/** A file of a torrent as an HTTP client sees it: type, name, validators, digest, links. */
import type { Entry, EntryFile } from '../../lib/control/control.ts'
import { linkHeader, reprDigest } from './file-links.ts'
import { dispositionOf, isActive, mediaTypeOf } from './media-type.ts'
import { IMMUTABLE, type Representation } from './representation.ts'

export interface FileView {
  /** `?download=1`: as an attachment. */
  readonly download: boolean
  /** `?filename=`: under another name. */
  readonly filename: string | undefined
  /** What stands before `/{infohash}` in links: nothing on the gateway's own host. */
  readonly linkBase?: string
  /** `Want-Repr-Digest` of the request. */
  readonly wantedDigest?: string | readonly string[] | undefined
  /** On a site of its own, active content may run. */
  readonly site?: boolean
}

const SANDBOX =
  "sandbox; default-src 'none'; img-src data: 'self'; media-src 'self'; style-src 'unsafe-inline'"

export function fileRepresentation(entry: Entry, file: EntryFile, view: FileView): Representation {
  const type = mediaTypeOf(file.path)
  const name = view.filename ?? file.path.slice(file.path.lastIndexOf('/') + 1)
  const digest = reprDigest(file, view.wantedDigest)
  return {
    etag: `"${entry.infoHash}.${file.index}"`,
    lastModified: entry.createdAt,
    size: file.size,
    mediaType: type,
    cacheControl: IMMUTABLE,
    headers: {
      'x-content-type-options': 'nosniff',
      'content-disposition': dispositionOf(name, view.download),
      link: linkHeader(entry.infoHash, view.linkBase),
      ...(digest !== undefined && { 'repr-digest': digest }),
      ...(isActive(type) && view.site !== true && { 'content-security-policy': SANDBOX })
    },
    parts: (span) =>
      span.end > span.start ? [{ kind: 'file', file, span: clamp(span, file) }] : []
  }
}

function clamp({ start, end }: { start: number; end: number }, { size }: EntryFile) {
  return { start, end: Math.min(end, size) }
}
