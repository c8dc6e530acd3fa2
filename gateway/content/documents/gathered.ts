/** Small pieces of a document, joined into ones that are worth a write. */

const BYTES = 64 * 1024

/** The same bytes, in pieces of at least `leastBytes` but for the last. */
export function* gathered(
  pieces: Iterable<string | Uint8Array>,
  leastBytes = BYTES
): Iterable<Buffer> {
  let some: Uint8Array[] = []
  let bytes = 0
  for (const piece of pieces) {
    const next = typeof piece === 'string' ? Buffer.from(piece) : piece
    some.push(next)
    bytes += next.byteLength
    if (bytes < leastBytes) continue
    yield Buffer.concat(some)
    some = []
    bytes = 0
  }
  if (bytes > 0) yield Buffer.concat(some)
}
