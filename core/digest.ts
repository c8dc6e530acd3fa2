/**
 * `Repr-Digest` and `Content-Digest` (RFC 9530): a structured-field dictionary of byte sequences,
 * and the wishes for them.
 *
 * Every well-formed member is returned; which algorithms are known and compared is the caller's.
 */

/** Algorithms whose digests have a length we can check. */
const DIGEST_BYTES: ReadonlyMap<string, number> = new Map([
  ['sha-256', 32],
  ['sha-512', 64]
])

const MEMBER = /^[ \t]*([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]*={0,2}):(?: *;.*|[ \t]*)$/

/** A member of a wish: the algorithm and how much it is liked, from 0 for not at all to 10. */
const PREFERENCE = /^[ \t]*([a-z*][a-z0-9_.*-]*)=(\d|10)(?: *;.*|[ \t]*)$/
const MAX_MEMBERS = 50

/**
 * The digests of a header by algorithm, the last of each counting. None for an empty header.
 * Undefined when it is malformed or a digest has the wrong length.
 */
export function parseDigestField(header: string): ReadonlyMap<string, Uint8Array> | undefined {
  const digests = new Map<string, Uint8Array>()
  if (header.trim() === '') return digests
  for (const member of header.split(',')) {
    const match = MEMBER.exec(member)
    if (match === null) return undefined
    const [, algorithm = '', base64 = ''] = match
    const digest = Buffer.from(base64, 'base64')
    const wanted = DIGEST_BYTES.get(algorithm)
    if (wanted !== undefined && digest.length !== wanted) return undefined
    digests.set(algorithm, digest)
  }
  return digests
}

/** One member: `sha-256=:…:`. The digest as bytes or hex. */
export function formatDigestField(algorithm: string, digest: Uint8Array | string): string {
  const bytes = typeof digest === 'string' ? Buffer.from(digest, 'hex') : Buffer.from(digest)
  return `${algorithm}=:${bytes.toString('base64')}:`
}

/**
 * Whether a client that sent `Want-Repr-Digest` or `Want-Content-Digest` (RFC 9530 §4) takes a
 * digest of this algorithm: all do that do not give it the preference 0. A member that cannot be
 * read says nothing.
 */
export function wantsDigest(header: string | undefined, algorithm: string): boolean {
  let wanted = true
  for (const member of (header ?? '').split(',', MAX_MEMBERS)) {
    const match = PREFERENCE.exec(member)
    if (match?.[1] === algorithm) wanted = Number(match[2]) > 0
  }
  return wanted
}
