/**
 * Errors as `application/problem+json` (RFC 9457): the one place where an error becomes HTTP.
 *
 * Guarantees: every error has a status, a code of the table in `core/errors.ts` and the request's
 * id; what an unexpected error says is logged and never shown; no error is stored by a cache.
 * Routes throw; they never set an error status themselves.
 */
import type { FastifyReply } from 'fastify'
import { AppError, ERRORS, type ErrorCode } from '../../core/errors.ts'
import { linger, needsLingering } from './early-refusal.ts'

export const PROBLEM_TYPE = 'application/problem+json'

export interface ProblemDocument {
  /** Stable name of the kind of problem; not a place to look at. */
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: ErrorCode
  readonly requestId: string
  readonly errors: readonly { readonly detail: string; readonly pointer?: string }[]
}

export interface Problem {
  readonly document: ProblemDocument
  readonly headers: Readonly<Record<string, string>>
}

/** The framework quotes what the client sent, which may be long. */
const MAX_DETAIL = 500

/** The problem document of any error, and the headers that belong to it. */
export function toProblem(err: unknown, requestId: string): Problem {
  const known = toAppError(err)
  const { status, title } = ERRORS[known.code]
  const document: ProblemDocument = {
    type: `urn:swarmgate:problem:${known.code.toLowerCase().replaceAll('_', '-')}`,
    title,
    status,
    detail: known.message.slice(0, MAX_DETAIL),
    code: known.code,
    requestId,
    errors: known.errors ?? []
  }
  return { document, headers: headersOf(known) }
}

function headersOf(err: AppError): Record<string, string> {
  const headers: Record<string, string> = {
    'content-type': PROBLEM_TYPE,
    'cache-control': 'no-store'
  }
  if (err.retryAfter !== undefined) headers['retry-after'] = String(Math.ceil(err.retryAfter))
  if (err.code === 'KEY_REQUIRED') headers['www-authenticate'] = 'Bearer realm="swarmgate"'
  return headers
}

/** The framework's errors by their status; anything else that is not ours is INTERNAL. */
const FRAMEWORK_CODES: Readonly<Record<number, ErrorCode>> = {
  400: 'REQUEST_INVALID',
  404: 'ROUTE_UNKNOWN',
  408: 'REQUEST_TIMEOUT',
  413: 'UPLOAD_TOO_LARGE',
  414: 'URI_TOO_LONG',
  415: 'MEDIA_TYPE_UNSUPPORTED'
}

/** Any thrown value as an error of the table; the cause is kept. */
export function toAppError(err: unknown): AppError {
  if (err instanceof AppError) return err
  const { statusCode, message, validation, validationContext } = readFrameworkError(err)
  const code = FRAMEWORK_CODES[statusCode ?? 500]
  if (code === undefined) {
    const detail = 'The server failed. Its log tells more under this request id.'
    return new AppError('INTERNAL', detail, { cause: err })
  }
  const errors = validation?.map((item) => validationDetail(item, validationContext ?? 'body'))
  return new AppError(code, message, { cause: err, ...(errors === undefined ? {} : { errors }) })
}

interface FrameworkError {
  readonly statusCode?: number
  readonly message: string
  readonly validation?: readonly { readonly instancePath: string; readonly message?: string }[]
  readonly validationContext?: string
}

function readFrameworkError(err: unknown): FrameworkError {
  return err instanceof Error ? err : { message: String(err) }
}

function validationDetail(
  item: { readonly instancePath: string; readonly message?: string },
  context: string
) {
  const detail = item.message ?? 'is not valid'
  if (context === 'body') return { detail, pointer: `#${item.instancePath}` }
  return { detail: `${context}${item.instancePath} ${detail}` }
}

/** Headers that describe the answer that did not come about. */
const STALE_HEADERS = [
  'accept-ranges',
  'content-disposition',
  'content-encoding',
  'content-length',
  'etag',
  'last-modified',
  'link',
  'repr-digest'
]

/**
 * Answers with the problem document of `err`. While the request's body is still on its way, the
 * connection is closed so that the client reads the answer (see early-refusal.ts). After the
 * headers, the connection is reset.
 */
export function sendProblem(reply: FastifyReply, err: unknown): FastifyReply {
  if (reply.raw.headersSent) {
    // A reset, not an end: without Content-Length an end would look like the whole body.
    reply.raw.socket?.resetAndDestroy()
    return reply
  }
  const { raw, id } = reply.request
  const { document, headers } = toProblem(err, id)
  for (const name of STALE_HEADERS) reply.removeHeader(name)
  reply.code(document.status).headers(headers)
  const body = Buffer.from(JSON.stringify(document))
  if (!needsLingering(raw)) return reply.send(body)
  reply.header('connection', 'close').header('content-length', body.byteLength)
  return reply.send(linger(body, raw))
}
