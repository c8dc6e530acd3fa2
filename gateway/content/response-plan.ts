/**
 * What to answer to a GET or HEAD: a pure function of a representation and the request's headers
 * (RFC 9110 §§8, 13, 14). It does no I/O, so HEAD, 304, 412 and 416 cost none.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { type RangeOutcome, resolveRange } from '../../core/byte-range.ts'
import type { ByteSpan } from '../../core/geometry.ts'
import { multipartOf } from './multipart.ts'
import { checkPreconditions, rangeApplies } from './preconditions.ts'
import type { BodyPart, Representation } from './representation.ts'

export interface PlanRequest {
  readonly method: 'GET' | 'HEAD'
  readonly headers: IncomingHttpHeaders
}

export interface ResponsePlan {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Bytes of the body; undefined when only its end will tell. */
  readonly length: number | undefined
  /** What of the representation a GET would send; nothing where it is not sent at all. */
  readonly spans: readonly ByteSpan[]
  /** Undefined when there is no body; lazy otherwise, to be walked once. */
  readonly body: Iterable<BodyPart> | undefined
}

/** Plans the response for `representation`. */
export function planResponse(representation: Representation, request: PlanRequest): ResponsePlan {
  const condition = checkPreconditions(request.headers, representation)
  if (condition === 'failed') return refusal(412)
  if (condition === 'not-modified') return bodiless(304, validity(representation))

  const range = rangeOf(representation, request)
  if (range.kind === 'unsatisfiable') {
    return refusal(416, { 'content-range': `bytes */${representation.size}` })
  }
  const plan =
    range.kind === 'whole' ? wholePlan(representation) : partialPlan(representation, range.spans)
  return request.method === 'HEAD' ? { ...plan, body: undefined } : plan
}

/**
 * Plans `representation` as the page of an answer that is no success (RFC 9110 §13.2.1: conditions
 * and ranges are of the content that was asked for, which is not there).
 */
export function planErrorPage(
  representation: Representation,
  method: PlanRequest['method'],
  status: number
): ResponsePlan {
  const { headers: whole, ...plan } = wholePlan({ ...representation, cacheControl: 'no-store' })
  const { etag: _, 'last-modified': __, 'accept-ranges': ___, ...headers } = whole
  return { ...plan, status, headers, body: method === 'HEAD' ? undefined : plan.body }
}

/** A range counts for GET only (§14.2), and only of bytes that can be counted. */
function rangeOf(representation: Representation, { method, headers }: PlanRequest): RangeOutcome {
  const { size } = representation
  const ifRange = headers['if-range']
  const applies = rangeApplies(Array.isArray(ifRange) ? ifRange[0] : ifRange, representation)
  if (method !== 'GET' || size === undefined || !applies) return { kind: 'whole' }
  return resolveRange(headers.range, size)
}

function wholePlan(representation: Representation) {
  const { size, mediaType } = representation
  const end = size ?? Number.MAX_SAFE_INTEGER
  return {
    status: 200,
    headers: {
      ...validity(representation),
      ...representation.headers,
      'content-type': mediaType,
      ...(size !== undefined && { 'content-length': String(size) })
    },
    length: size,
    spans: [{ start: 0, end }],
    body: representation.parts({ start: 0, end })
  }
}

function partialPlan(representation: Representation, spans: readonly ByteSpan[]): ResponsePlan {
  const { size = 0, mediaType } = representation
  const shared = { ...validity(representation), ...representation.headers }
  const [only, ...more] = spans as [ByteSpan, ...ByteSpan[]]
  if (more.length > 0) {
    const { type, length, body } = multipartOf(representation, size, spans)
    const headers = { ...shared, 'content-type': type, 'content-length': String(length) }
    return { status: 206, headers, length, spans, body }
  }
  const length = only.end - only.start
  return {
    status: 206,
    headers: {
      ...shared,
      'content-type': mediaType,
      'content-length': String(length),
      'content-range': `bytes ${only.start}-${only.end - 1}/${size}`
    },
    length,
    spans,
    body: representation.parts(only)
  }
}

/** What a 304 repeats of the 200 (§15.4.5), and what every answer shares. */
function validity({ etag, lastModified, cacheControl, size }: Representation) {
  return {
    etag,
    'last-modified': new Date(lastModified).toUTCString(),
    'cache-control': cacheControl,
    'accept-ranges': size === undefined ? 'none' : 'bytes',
    ...OPEN_TO_ALL
  }
}

const OPEN_TO_ALL = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers':
    'Content-Range, Content-Length, ETag, Accept-Ranges, Link, Repr-Digest'
}

function refusal(status: 412 | 416, headers: Record<string, string> = {}): ResponsePlan {
  return bodiless(status, {
    ...headers,
    'cache-control': 'no-store',
    'content-length': '0',
    ...OPEN_TO_ALL
  })
}

function bodiless(status: 304 | 412 | 416, headers: Record<string, string>): ResponsePlan {
  return { status, headers, length: 0, spans: [], body: undefined }
}
