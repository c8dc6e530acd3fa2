/**
 * The conditional headers of a request, decided in the order of RFC 9110 §13.2.2.
 *
 * Dates are compared to the second, as HTTP dates carry no more.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { parseHttpDate } from '../../core/http-date.ts'

export interface Validators {
  /** A strong entity tag, quotes included. */
  readonly etag: string
  /** Milliseconds since the epoch. */
  readonly lastModified: number
}

export type Precondition = 'proceed' | 'not-modified' | 'failed'

/** Decides If-Match, If-Unmodified-Since, If-None-Match and If-Modified-Since for GET and HEAD. */
export function checkPreconditions(
  headers: IncomingHttpHeaders,
  { etag, lastModified }: Validators
): Precondition {
  const ifMatch = headers['if-match']
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, etag, 'strong')) return 'failed'
  } else if (isAfter(lastModified, headers['if-unmodified-since'])) {
    return 'failed'
  }

  const ifNoneMatch = headers['if-none-match']
  if (ifNoneMatch !== undefined) {
    return matches(ifNoneMatch, etag, 'weak') ? 'not-modified' : 'proceed'
  }
  const since = parseHttpDate(headers['if-modified-since'] ?? '')
  return since !== undefined && wholeSeconds(lastModified) <= since ? 'not-modified' : 'proceed'
}

/** RFC 9110 §13.1.5: whether the Range header counts. A weak tag or another date disables it. */
export function rangeApplies(
  ifRange: string | undefined,
  { etag, lastModified }: Validators
): boolean {
  if (ifRange === undefined) return true
  const value = ifRange.trim()
  if (value.startsWith('"') || value.startsWith('W/')) return value === etag
  return parseHttpDate(value) === wholeSeconds(lastModified)
}

function matches(list: string, etag: string, strength: 'strong' | 'weak'): boolean {
  if (list.trim() === '*') return true
  for (const [tag] of list.matchAll(/(?:W\/)?"[^"]*"/g)) {
    if (tag === etag || (strength === 'weak' && tag === `W/${etag}`)) return true
  }
  return false
}

/** False for a date that cannot be read: such a header is ignored. */
function isAfter(lastModified: number, header = ''): boolean {
  const date = parseHttpDate(header)
  return date !== undefined && wholeSeconds(lastModified) > date
}

function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000
}
