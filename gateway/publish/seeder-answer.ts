/**
 * What a seeder's answer means to the gateway's client.
 *
 * A problem of the seeder becomes an error here, with our request id; its success goes on as it
 * is. What is between gateway and seeder (their secret, a proxy's page) is never the client's
 * fault and never shown as such.
 */
import { AppError, ERRORS, type ErrorCode, type ErrorExtras } from '../../core/errors.ts'
import type { SeederAnswer } from './forward.ts'

const RETRY_AFTER_S = 5

/** The error that an answer other than 2xx stands for. */
export function refusalOf({ status, headers, body }: SeederAnswer): AppError {
  const problem = readProblem(body)
  const code = codeOf(problem.code, status)
  const retryAfter =
    secondsOf(headers['retry-after']) ?? (ERRORS[code].status === 503 ? RETRY_AFTER_S : undefined)
  const detail =
    code === problem.code && typeof problem.detail === 'string'
      ? problem.detail
      : 'The seeder did not take the upload.'
  return new AppError(code, detail, {
    cause: new Error(`the seeder answered ${status}`),
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...(code === problem.code ? { errors: errorsOf(problem.errors) } : {})
  })
}

/** Whether another seeder may well take what this one did not. */
export function isWorthAnother({ status }: SeederAnswer): boolean {
  return status >= 500 || status === 429 || isOurFault(status)
}

/** The seeder did not believe the gateway: their cluster secrets or clocks differ. */
export function isOurFault(status: number): boolean {
  return status === 401 || status === 403
}

const RELAYED = [
  'content-type',
  'content-location',
  'location',
  'etag',
  'link',
  'vary',
  'swarmgate-infohash'
]

/** Headers of a success that are for the client. */
export function relayedHeaders({ headers }: SeederAnswer): Record<string, string> {
  const present = RELAYED.filter((name) => typeof headers[name] === 'string')
  return Object.fromEntries(present.map((name) => [name, String(headers[name])]))
}

function codeOf(code: unknown, status: number): ErrorCode {
  const known = typeof code === 'string' && Object.hasOwn(ERRORS, code)
  return known && !isOurFault(status) ? (code as ErrorCode) : 'SEEDER_UNAVAILABLE'
}

interface LooseProblem {
  readonly code?: unknown
  readonly detail?: unknown
  readonly errors?: unknown
}

function readProblem(body: Buffer): LooseProblem {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

function errorsOf(errors: unknown): NonNullable<ErrorExtras['errors']> {
  if (!Array.isArray(errors)) return []
  return errors.flatMap((item: { detail?: unknown; pointer?: unknown } | null) => {
    if (typeof item?.detail !== 'string') return []
    const { detail, pointer } = item
    return [typeof pointer === 'string' ? { detail, pointer } : { detail }]
  })
}

function secondsOf(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) : undefined
}
