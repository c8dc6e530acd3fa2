/**
 * The path of content on the gateway: `/{infohash}/{name}/{path…}`, also a web seed's (BEP 19).
 *
 * Reading splits first and decodes then, byte by byte, so `%2F` never makes a folder. Segments are
 * in `segmentName`'s text form and compare with `Metainfo.name` and `MetainfoFile.name` as they
 * are; look them up among a torrent's files, never on a disk.
 */
import { type InfoHash, parseInfoHash } from './info-hash.ts'
import { decodeSegment, encodeSegment, segmentName } from './segment-name.ts'

export interface ContentPath {
  readonly infoHash: InfoHash
  /** What follows the infohash: the torrent's name, then the path in it. None may be empty. */
  readonly segments: string[]
  readonly trailingSlash: boolean
}

export interface ContentPathRefusal {
  readonly error: 'INFOHASH_INVALID' | 'PATH_INVALID'
  readonly detail: string
}

/** Reads the path of a request target: still percent-encoded, without the query. */
export function parseContentPath(rawPath: string): ContentPath | ContentPathRefusal {
  const [root, first = '', ...rest] = rawPath.split('/')
  if (root !== '') return refuse('the path does not start with a slash')
  const infoHash = parseInfoHash(decodeSegment(first)?.toString('latin1') ?? '')
  if (infoHash === undefined) {
    return { error: 'INFOHASH_INVALID', detail: 'an infohash is 40 hex digits' }
  }
  const trailingSlash = rest.at(-1) === ''
  const segments: string[] = []
  for (const encoded of trailingSlash ? rest.slice(0, -1) : rest) {
    const bytes = decodeSegment(encoded)
    if (bytes === undefined) return refuse('malformed percent-encoding')
    const refusal = complaint(bytes)
    if (refusal !== undefined) return refuse(refusal)
    segments.push(segmentName(bytes))
  }
  return { infoHash, segments, trailingSlash }
}

/**
 * The URL path of a torrent's content, percent-encoded.
 * @param path text form, joined by `/`; absent for a single file; ending in `/` for a folder.
 */
export function contentUrlPath(infoHash: InfoHash, name: string, path?: string): string {
  const segments = path === undefined ? [name] : [name, ...path.split('/')]
  return `/${infoHash}/${segments.map(encodeSegment).join('/')}`
}

function complaint(segment: Buffer): string | undefined {
  if (segment.length === 0) return 'an empty segment'
  if (segment.includes(0)) return 'a NUL byte'
  if (segment.includes(0x2f)) return 'an encoded slash'
  const text = segment.toString('latin1')
  return text === '.' || text === '..' ? 'a dot segment' : undefined
}

function refuse(detail: string): ContentPathRefusal {
  return { error: 'PATH_INVALID', detail }
}
