/** Digests that a publisher names in advance (RFC 9530): what does not match is not kept. */
import { timingSafeEqual } from 'node:crypto'
import { parseDigestField } from '../../core/digest.ts'
import { AppError } from '../../core/errors.ts'
import type { ContentSums } from './content-hash.ts'

const ALGORITHMS = ['sha-256', 'sha-512'] as const

export interface ExpectedDigest {
  readonly algorithm: (typeof ALGORITHMS)[number]
  readonly digest: Uint8Array
}

/**
 * The digests of `Repr-Digest` and `Content-Digest` that we can check; others are ignored, as the
 * RFC wants it.
 * @throws AppError REQUEST_INVALID
 */
export function expectedDigests(fields: readonly (string | undefined)[]): ExpectedDigest[] {
  return fields.filter((field) => field !== undefined).flatMap(expectedOf)
}

function expectedOf(field: string): ExpectedDigest[] {
  const given = parseDigestField(field)
  if (given === undefined) {
    const detail = 'a digest header must be of the form sha-256=:BASE64:, the digest in full'
    throw new AppError('REQUEST_INVALID', detail)
  }
  return ALGORITHMS.flatMap((algorithm) => {
    const digest = given.get(algorithm)
    return digest === undefined ? [] : [{ algorithm, digest }]
  })
}

/** @throws AppError DIGEST_MISMATCH */
export function checkDigests(expected: readonly ExpectedDigest[], sums: ContentSums): void {
  for (const { algorithm, digest } of expected) {
    const found = algorithm === 'sha-256' ? sums.sha256 : sums.sha512
    if (found === null || timingSafeEqual(found, digest)) continue
    const detail = `the ${algorithm} digest of the ${sums.size} bytes received is another`
    throw new AppError('DIGEST_MISMATCH', `${detail}; nothing was kept`)
  }
}
