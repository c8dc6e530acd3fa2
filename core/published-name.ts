/**
 * Which names we publish: what every file system, shell and URL of a downloader can bear.
 *
 * A name is normalised to NFC and otherwise refused, never repaired. What is imported is not held
 * to this (`metainfo.ts`). Rules between the names of one folder are not here.
 */
import { hasEscape } from './segment-name.ts'

export type PublishedName =
  /** `name` is the NFC form. */
  | { readonly ok: true; readonly name: string }
  | { readonly ok: false; readonly segment: string; readonly reason: string }

const MAX_BYTES = 255

/** Checks one path segment of what is to be published, given as text. */
export function checkPublishedName(segment: string): PublishedName {
  const name = segment.isWellFormed() ? segment.normalize('NFC') : segment
  const reason = complaint(name)
  return reason === undefined ? { ok: true, name } : { ok: false, segment, reason }
}

function complaint(name: string): string | undefined {
  if (!name.isWellFormed()) return 'not valid Unicode'
  if (name === '') return 'empty'
  if (name === '.' || name === '..') return 'a dot segment'
  if (name.includes('/') || name.includes('\\')) return 'contains a slash or backslash'
  if (hasControl(name)) return 'contains a control character'
  if (hasBidi(name)) return 'contains a bidirectional formatting character'
  if (hasEscape(name)) return 'contains a character reserved for bytes that are not UTF-8'
  const bytes = Buffer.byteLength(name, 'utf8')
  return bytes > MAX_BYTES ? `${bytes} bytes long, at most ${MAX_BYTES} are allowed` : undefined
}

/** C0, DEL and C1: Unicode's category Cc. */
function hasControl(name: string): boolean {
  return /\p{Cc}/u.test(name)
}

/** Marks, embeddings, overrides and isolates: they make a name read as another one. */
function hasBidi(name: string): boolean {
  return /\p{Bidi_Control}/u.test(name)
}
