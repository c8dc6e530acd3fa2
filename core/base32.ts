/** Base32 of RFC 4648 §6 in lower case without padding: the form that fits into a host name. */

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'

/** The text of `bytes`; bits that miss in the last character are zero. */
export function encodeBase32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = ((held & 0x1f) << 8) | byte
    bits += 8
    for (; bits >= 5; bits -= 5) text += ALPHABET[(held >> (bits - 5)) & 0x1f]
  }
  return bits === 0 ? text : text + ALPHABET[(held << (5 - bits)) & 0x1f]
}

/**
 * The bytes that `text` spells in either case; undefined when a character is none of the
 * alphabet's, or when no bytes at all have this text.
 */
export function decodeBase32(text: string): Buffer | undefined {
  const bytes: number[] = []
  let bits = 0
  let held = 0
  for (const character of text.toLowerCase()) {
    const value = ALPHABET.indexOf(character)
    if (value === -1) return undefined
    held = ((held & 0xff) << 5) | value
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes.push((held >> bits) & 0xff)
  }
  const rest = held & ((1 << bits) - 1)
  return bits >= 5 || rest !== 0 ? undefined : Buffer.from(bytes)
}
