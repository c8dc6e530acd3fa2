/**
 * The one table of errors: a code, the HTTP status it means, how loudly it is logged, its title.
 *
 * Code throws `AppError` with a code; `lib/http/` translates it to problem+json once. Expected
 * outcomes of a domain call are discriminated unions instead and never thrown.
 */

type Level = 'debug' | 'warn' | 'error'
interface ErrorKind {
  readonly status: number
  readonly level: Level
  readonly title: string
}

export const ERRORS = {
  REQUEST_INVALID: { status: 400, level: 'debug', title: 'Malformed request' },
  INFOHASH_INVALID: { status: 400, level: 'debug', title: 'Not an infohash' },
  PATH_INVALID: { status: 400, level: 'debug', title: 'Malformed path' },
  KEY_REQUIRED: { status: 401, level: 'debug', title: 'An API key is required' },
  LINK_INVALID: { status: 403, level: 'debug', title: 'The link is not valid' },
  SCOPE_MISSING: { status: 403, level: 'debug', title: 'The key does not allow this' },
  TORRENT_TOO_LARGE: { status: 403, level: 'debug', title: 'Larger than this gateway fetches' },
  ROUTE_UNKNOWN: { status: 404, level: 'debug', title: 'No such resource' },
  CONTENT_UNKNOWN: { status: 404, level: 'debug', title: 'Not published' },
  FILE_UNKNOWN: { status: 404, level: 'debug', title: 'No such file' },
  METHOD_NOT_ALLOWED: { status: 405, level: 'debug', title: 'Method not allowed' },
  REQUEST_TIMEOUT: { status: 408, level: 'debug', title: 'The request came too slowly' },
  EPOCH_CHANGED: { status: 409, level: 'debug', title: 'The position is not in this feed' },
  CONTENT_DENIED: { status: 410, level: 'debug', title: 'Not available here' },
  CONTENT_INCOMPLETE: { status: 409, level: 'debug', title: 'Not known yet' },
  CONTENT_GONE: { status: 410, level: 'debug', title: 'Unpublished' },
  LINK_EXPIRED: { status: 410, level: 'debug', title: 'The link has expired' },
  NOT_CACHED: { status: 412, level: 'debug', title: 'Not cached here' },
  PRECONDITION_FAILED: { status: 412, level: 'debug', title: 'Precondition failed' },
  UPLOAD_TOO_LARGE: { status: 413, level: 'debug', title: 'Larger than allowed' },
  URI_TOO_LONG: { status: 414, level: 'debug', title: 'The URL is too long' },
  MEDIA_TYPE_UNSUPPORTED: { status: 415, level: 'debug', title: 'Unsupported media type' },
  RANGE_UNSATISFIABLE: { status: 416, level: 'debug', title: 'Range not satisfiable' },
  HOST_UNKNOWN: { status: 421, level: 'debug', title: 'Not a host of this gateway' },
  NAME_NOT_ALLOWED: { status: 422, level: 'debug', title: 'Name not allowed' },
  METAINFO_INVALID: { status: 422, level: 'debug', title: 'Invalid torrent' },
  DIGEST_MISMATCH: { status: 422, level: 'debug', title: 'The digest does not match the bytes' },
  QUOTA_EXCEEDED: { status: 429, level: 'debug', title: 'Over quota' },
  TOO_MANY_RESPONSES: { status: 429, level: 'debug', title: 'Too many responses at once' },
  HEADERS_TOO_LARGE: { status: 431, level: 'debug', title: 'Request headers too large' },
  CONTENT_DENIED_LEGAL: { status: 451, level: 'debug', title: 'Unavailable for legal reasons' },
  INTERNAL: { status: 500, level: 'error', title: 'Internal error' },
  SITE_INVALID: { status: 500, level: 'debug', title: 'The site contradicts itself' },
  STORE_FAILED: { status: 500, level: 'error', title: 'The store failed' },
  STORE_SHORT_READ: { status: 500, level: 'error', title: 'The store gave too few bytes' },
  SWARM_NO_PEERS: { status: 502, level: 'warn', title: 'No peer has the content' },
  TRACKER_UNAVAILABLE: { status: 503, level: 'warn', title: 'The tracker does not answer' },
  SEEDER_UNAVAILABLE: { status: 503, level: 'warn', title: 'No seeder is available' },
  SHUTTING_DOWN: { status: 503, level: 'debug', title: 'Shutting down' },
  SWARM_TIMEOUT: { status: 504, level: 'warn', title: 'The swarm did not deliver in time' },
  STORE_FULL: { status: 507, level: 'warn', title: 'No room left' }
} as const satisfies Record<string, ErrorKind>

export type ErrorCode = keyof typeof ERRORS

export interface ErrorExtras {
  readonly cause?: unknown
  /** Seconds a client should wait before it tries again; becomes `Retry-After`. */
  readonly retryAfter?: number
  /** What exactly was wrong and where; becomes `errors` of the problem document. */
  readonly errors?: readonly { readonly detail: string; readonly pointer?: string }[]
}

/** An error with a place in the table. `message` is shown to the client, `cause` only logged. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly retryAfter: number | undefined
  readonly errors: ErrorExtras['errors']

  constructor(code: ErrorCode, message: string, extras: ErrorExtras = {}) {
    super(message, extras.cause === undefined ? undefined : { cause: extras.cause })
    this.name = 'AppError'
    this.code = code
    this.status = ERRORS[code].status
    this.retryAfter = extras.retryAfter
    this.errors = extras.errors
  }
}
