/**
 * Metalink 4 documents (RFC 5854): files, where they are and what they must hash to.
 *
 * Names are relative paths in text form (see segment-name.ts). XML does not bear every character that
 * a torrent's name may have: those, and bytes that are not UTF-8, are written `%XX`. Hashes of pieces
 * (§4.1.3) are left out on purpose: they are in the torrent that the document names.
 */
import { segmentBytes } from './segment-name.ts'

export const METALINK_TYPE = 'application/metalink4+xml'

export interface MetalinkFile {
  /** Relative to the folder of the download; `/` between segments, none of them a dot segment. */
  readonly path: string
  readonly size: number
  /** Lower-case hex; null when nobody knows it yet. */
  readonly sha256: string | null
  /** Where the whole file can be had, the best first. */
  readonly urls: readonly string[]
}

export interface MetalinkSpec {
  /** What the files are together. */
  readonly identity: string
  /** The torrent that has all files; `folder` when they are in one, as opposed to a single file. */
  readonly torrent?: { readonly url: string; readonly folder: boolean }
  /** Milliseconds since the epoch. */
  readonly publishedAt: number
  readonly files: Iterable<MetalinkFile>
}

/** The document in pieces, one for each file: those of many files are made as they are sent. */
export function* metalinkPieces(spec: MetalinkSpec): Iterable<string> {
  const published = new Date(spec.publishedAt).toISOString().replace(/\.\d+Z$/, 'Z')
  const head = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<metalink xmlns="urn:ietf:params:xml:ns:metalink">',
    '  <generator>Swarmgate</generator>',
    `  <published>${published}</published>`
  ]
  yield linesOf(head)
  for (const file of spec.files) yield linesOf(fileLines(file, spec))
  yield linesOf(['</metalink>'])
}

function linesOf(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`
}

function fileLines({ path, size, sha256, urls }: MetalinkFile, spec: MetalinkSpec): string[] {
  return [
    `  <file name="${xmlText(path)}">`,
    `    <identity>${xmlText(spec.identity)}</identity>`,
    `    <size>${size}</size>`,
    ...(sha256 === null ? [] : [`    <hash type="sha-256">${sha256}</hash>`]),
    ...torrentLines(path, spec),
    ...urls.map((url, index) => `    <url priority="${index + 1}">${xmlText(url)}</url>`),
    '  </file>'
  ]
}

/**
 * The torrent, and in one of several files the name of the file meant (§4.2.8): none for a name
 * that XML cannot carry as it is, as the torrent has no file of the name written here.
 */
function torrentLines(path: string, { torrent }: MetalinkSpec): string[] {
  if (torrent === undefined) return []
  const url = xmlText(torrent.url)
  if (!torrent.folder) return [`    <metaurl mediatype="torrent" priority="1">${url}</metaurl>`]
  if (UNWRITABLE.test(path)) return []
  return [`    <metaurl mediatype="torrent" priority="1" name="${xmlText(path)}">${url}</metaurl>`]
}

const MARKUP: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  // As they are, a parser would make spaces of them in an attribute.
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;'
}

/** What XML 1.0 §2.2 cannot write or advises against, and bytes that are not UTF-8. */
const UNWRITABLE = /[^\P{Cc}\t\n\r]|[\p{Cs}\ufffe\uffff\u{10fe80}-\u{10feff}]/u
const SPECIAL = /[&<>"\p{Cc}\p{Cs}\ufffe\uffff\u{10fe80}-\u{10feff}]/gu

function xmlText(text: string): string {
  return text.replace(SPECIAL, (character) => MARKUP[character] ?? percentEncoded(character))
}

function percentEncoded(character: string): string {
  const hex = segmentBytes(character).toString('hex').toUpperCase()
  return hex.replace(/../g, '%$&')
}
