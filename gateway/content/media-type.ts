/** What kind of content a file name promises, and how a browser should treat it. */
import { create as disposition } from 'content-disposition'
import mime from 'mime'

/** The media type by extension; text is declared as UTF-8. */
export function mediaTypeOf(path: string): string {
  const type = mime.getType(path) ?? 'application/octet-stream'
  return type.startsWith('text/') ? `${type}; charset=utf-8` : type
}

/** Whether a player plays it: audio and video, without playlists. */
export function isPlayable(path: string): boolean {
  return /^(?:audio|video)\/(?!x-mpegurl|mpegurl|x-scpls)/.test(mediaTypeOf(path))
}

/** What browsers show or play without ever running any of it, or do nothing with but save it. */
const INERT: readonly RegExp[] = [
  /^(?:audio|video|font|model)\/[^+]*$/,
  /^image\/[^+]*$/,
  /^text\/(?:plain|css|csv|markdown|vtt|calendar|yaml|tab-separated-values)$/,
  /^application\/(?:octet-stream|json|manifest\+json|ld\+json|toml|ogg|mp4|vnd\.apple\.mpegurl)$/,
  /^application\/(?:zip|gzip|x-tar|x-7z-compressed|vnd\.rar|x-bzip2?|zstd|epub\+zip|x-bittorrent)$/
]

/**
 * Whether a browser might run a file of this media type, or make a document of it in which scripts
 * run: HTML, SVG, any XML, PDF, scripts, WebAssembly, web archives, and every type that is not
 * known to be inert. From a path URL they must never act on the gateway's own origin.
 */
export function isActive(type: string): boolean {
  const essence = type.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  return !INERT.some((inert) => inert.test(essence))
}

/**
 * RFC 6266 Content-Disposition with an RFC 8187 name where ASCII does not suffice. The name is never
 * a path (§4.3), whoever chose it.
 */
export function dispositionOf(name: string, download: boolean): string {
  const type = download ? 'attachment' : 'inline'
  return disposition(name.replaceAll(/[/\\]/g, '_'), { type })
}
