/** What kind of content a file name promises, and how a browser should treat it. */
import { create as disposition } from 'content-disposition'
import mime from 'mime'

/** The media type by extension; text is declared as UTF-8. */
export function mediaTypeOf(path: string): string {
  const type = mime.getType(path) ?? 'application/octet-stream'
  return type.startsWith('text/') ? `${type}; charset=utf-8` : type
}

/**
 * Types that a browser would run or render with scripts: from a path URL they must never act on
 * the gateway's own origin.
 */
export function isActive(type: string): boolean {
  return /^(?:text\/(?:html|xml|javascript)|application\/(?:xml|pdf|javascript|[^;]+\+xml)|image\/svg\+xml)/.test(
    type
  )
}

/** RFC 6266 Content-Disposition with an RFC 8187 name where ASCII does not suffice. */
export function dispositionOf(name: string, download: boolean): string {
  return disposition(name, { type: download ? 'attachment' : 'inline' })
}
