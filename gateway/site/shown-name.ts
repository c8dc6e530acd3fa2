/**
 * A name as a page may show it: what would reorder or hide the text around it is made visible, and
 * a byte that is not UTF-8 reads as it does in its URL. Links keep the real name.
 */
export function shownName(name: string): string {
  return name
    .replace(UNSEEN, '\ufffd')
    .replace(
      RAW_BYTE,
      (character) => `%${(character.codePointAt(0) ?? 0).toString(16).slice(-2).toUpperCase()}`
    )
}

/** Controls, and the embeddings, overrides and isolates by which `\u202egpj.exe` ends in `exe.jpg`. */
const UNSEEN = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu

/** As `segmentName` writes them. */
const RAW_BYTE = /[\u{10fe80}-\u{10feff}]/gu
