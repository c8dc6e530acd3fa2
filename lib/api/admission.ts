/**
 * What a gateway vouches for when it forwards an upload: the header `Swarmgate-Admission`.
 *
 * The gateway has authenticated the client; the seeder trusts nothing but the cluster secret. The
 * header names the principal, what it may still publish and the base of the links in the answer.
 * Its time bounds the start of a request, not how long the upload then takes.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

export const ADMISSION_HEADER = 'swarmgate-admission'

export interface Admission {
  /** Whose upload it is: the id of a key, or the name of the keyless local user. */
  readonly principal: string
  /** What the principal may still publish, in bytes. */
  readonly maxBytes: number
  /** Base of the links in the answer, without a trailing slash. */
  readonly baseUrl: string
}

export interface SignedAdmission extends Admission {
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** A header longer than this is not ours. */
const MAX_LENGTH = 8192
/** Keeps this use of the cluster secret apart from every other. */
const PURPOSE = 'swarmgate admission 1\n'

/** The header's value: `payload.signature`, both base64url; the payload is a JSON array. */
export function signAdmission(secret: string, admission: SignedAdmission): string {
  const { principal, maxBytes, baseUrl, expiresAt } = admission
  const fields = JSON.stringify([principal, maxBytes, baseUrl, expiresAt])
  const payload = Buffer.from(fields).toString('base64url')
  return `${payload}.${signature(secret, payload).toString('base64url')}`
}

/** What a header says, if this secret signed it and its time is not over; else undefined. */
export function verifyAdmission(
  secret: string,
  header: string | undefined,
  now: number = Date.now()
): SignedAdmission | undefined {
  if (secret === '' || header === undefined || header.length > MAX_LENGTH) return undefined
  const match = /^([\w-]+)\.([\w-]{43})$/.exec(header)
  if (match?.[1] === undefined || match[2] === undefined) return undefined
  const given = Buffer.from(match[2], 'base64url')
  if (!timingSafeEqual(given, signature(secret, match[1]))) return undefined
  const admission = parseFields(Buffer.from(match[1], 'base64url').toString())
  return admission !== undefined && admission.expiresAt > now ? admission : undefined
}

function signature(secret: string, payload: string): Buffer {
  if (secret === '') throw new Error('an admission cannot be signed without a secret')
  return createHmac('sha256', secret).update(PURPOSE).update(payload).digest()
}

function parseFields(text: string): SignedAdmission | undefined {
  let fields: unknown
  try {
    fields = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!Array.isArray(fields) || fields.length !== 4) return undefined
  const [principal, maxBytes, baseUrl, expiresAt]: unknown[] = fields
  if (typeof principal !== 'string' || typeof baseUrl !== 'string') return undefined
  if (typeof maxBytes !== 'number' || typeof expiresAt !== 'number') return undefined
  return { principal, maxBytes, baseUrl, expiresAt }
}
