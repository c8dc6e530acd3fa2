/**
 * Lists of checksums in the form that `sha256sum -c` reads (GNU coreutils).
 *
 * A line is the digest, two spaces and the name as bytes. A name with a backslash or a line end is
 * written with escapes, and its line then begins with a backslash.
 */
import { segmentBytes } from './segment-name.ts'

export interface ChecksumLine {
  /** Lower-case hex. */
  readonly digest: string
  /** A relative path in text form (see segment-name.ts). */
  readonly path: string
}

/** One line of the list, with its end. */
export function formatChecksumLine({ digest, path }: ChecksumLine): Buffer {
  // `-` alone would mean standard input.
  const plain = path === '-' ? './-' : path
  const escaped = plain.replace(/[\\\n\r]/g, (character) => ESCAPES[character] ?? character)
  const mark = escaped === plain ? '' : '\\'
  return Buffer.concat([
    Buffer.from(`${mark}${digest}  `, 'latin1'),
    segmentBytes(escaped),
    Buffer.from('\n')
  ])
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r' }
