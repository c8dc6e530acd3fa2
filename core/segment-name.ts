/**
 * The one text form of a path segment, whatever its bytes.
 *
 * A torrent's names are bytes, mostly but not always UTF-8. As text, a segment is its UTF-8
 * decoding, with every byte that is not part of valid UTF-8 written as the private character
 * U+10FE00 + byte (U+10FE80 to U+10FEFF); those characters themselves, should a name hold one,
 * have their four bytes written so too. Different bytes therefore always give different text, the
 * text is well-formed (JSON, databases and logs keep it), and the bytes come back from it. In URLs
 * a segment is its *bytes* percent-encoded, so `%FF` names the byte FF and nothing else.
 */
import { isAscii, isUtf8 } from 'node:buffer'

const ESCAPE_BASE = 0x10fe00
const ESCAPED = /[\u{10fe80}-\u{10feff}]/u

/** The text form of a segment's bytes. */
export function segmentName(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (isAscii(buffer)) return buffer.toString('latin1')
  if (isUtf8(buffer)) {
    const text = buffer.toString('utf8')
    if (!hasEscape(text)) return text
  }
  return escapedName(buffer)
}

/** The bytes of a segment, or of several joined by `/`, given in text form. */
export function segmentBytes(name: string): Buffer {
  if (!hasEscape(name)) return Buffer.from(name, 'utf8')
  const parts: Buffer[] = []
  for (const character of name) {
    const byte = escapedByte(character)
    parts.push(byte === undefined ? Buffer.from(character, 'utf8') : Buffer.of(byte))
  }
  return Buffer.concat(parts)
}

/** True when the text holds one of the characters that stand for a byte. */
export function hasEscape(text: string): boolean {
  return ESCAPED.test(text)
}

/** A segment for a URL: everything but RFC 3986's unreserved characters percent-encoded. */
export function encodeSegment(name: string): string {
  if (!RESERVED.test(name)) return name
  let encoded = ''
  for (const byte of segmentBytes(name)) encoded += ENCODED[byte]
  return encoded
}

/**
 * The bytes of a segment as it stands in a request target, or undefined when a `%` is not
 * followed by two hex digits. Characters U+0080 to U+00FF are bytes sent raw, as Node reads them.
 */
export function decodeSegment(encoded: string): Buffer | undefined {
  if (/%(?![0-9a-fA-F]{2})|[^\0-\xff]/.test(encoded)) return undefined
  const raw = encoded.replace(/%(..)/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16))
  )
  return Buffer.from(raw, 'latin1')
}

const RESERVED = /[^\w.~-]/

/** What each byte is in a URL. */
const ENCODED: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte)
  if (!RESERVED.test(character)) return character
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
})

function escapedByte(character: string): number | undefined {
  const code = character.codePointAt(0) ?? 0
  return code >= ESCAPE_BASE + 0x80 && code <= ESCAPE_BASE + 0xff ? code - ESCAPE_BASE : undefined
}

function escapedName(bytes: Buffer): string {
  let name = ''
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at] ?? 0
    const sequence = bytes.subarray(at, at + sequenceLength(lead))
    const character = isUtf8(sequence) ? sequence.toString('utf8') : undefined
    if (character !== undefined && !hasEscape(character)) {
      name += character
      at += sequence.length
    } else {
      name += String.fromCodePoint(ESCAPE_BASE + lead)
      at++
    }
  }
  return name
}

/** The bytes of the UTF-8 sequence that starts with `lead` (a stray byte: 1). */
function sequenceLength(lead: number): number {
  if (lead >= 0xf0) return 4
  if (lead >= 0xe0) return 3
  return lead >= 0xc0 ? 2 : 1
}
