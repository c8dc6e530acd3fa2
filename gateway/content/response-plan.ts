/**
 * What to answer to a GET or HEAD of a file: a pure function of the catalogue entry, the file and
 * the request. It does no I/O, so HEAD, 304 and 416 cost none.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { resolveRange } from '../../core/byte-range.ts'
import { formatDigestField } from '../../core/digest.ts'
import type { ByteSpan } from '../../core/geometry.ts'
import type { Entry, EntryFile } from '../../lib/control/control.ts'
import { dispositionOf, isActive, mediaTypeOf } from './media-type.ts'
import { checkPreconditions, rangeApplies } from './preconditions.ts'

export interface PlanRequest {
  readonly method: 'GET' | 'HEAD'
  readonly headers: IncomingHttpHeaders
  /** `?download=1`: as an attachment. */
  readonly download: boolean
  /** `?filename=`: under another name. */
  readonly filename: string | undefined
}

export interface ResponsePlan {
  readonly status: 200 | 206 | 304 | 412 | 416
  readonly headers: Readonly<Record<string, string>>
  /** The bytes of the file to send; undefined when there is no body. */
  readonly span: ByteSpan | undefined
}

const IMMUTABLE = 'public, max-age=29030400, immutable'
const SANDBOX =
  "sandbox; default-src 'none'; img-src data: 'self'; media-src 'self'; style-src 'unsafe-inline'"

/** Plans the response for one file, RFC 9110 §§13 and 14. */
export function planResponse(entry: Entry, file: EntryFile, request: PlanRequest): ResponsePlan {
  const etag = `"${entry.infoHash}.${file.index}"`
  const validators = { etag, lastModified: entry.createdAt }
  const condition = checkPreconditions(request.headers, validators)
  if (condition === 'failed') return refusal(412)
  if (condition === 'not-modified')
    return { status: 304, headers: validity(entry, etag), span: undefined }

  const counts =
    request.method === 'GET' && rangeApplies(one(request.headers['if-range']), validators)
  const range = resolveRange(counts ? request.headers.range : undefined, file.size)
  if (range.kind === 'unsatisfiable')
    return refusal(416, { 'content-range': `bytes */${file.size}` })

  const headers = { ...validity(entry, etag), ...representation(entry, file, request) }
  const [only, ...more] = range.kind === 'partial' ? range.spans : []
  // Several ranges may be answered with the whole file (RFC 9110 §14.2).
  const span = only !== undefined && more.length === 0 ? only : undefined
  const { start, end } = span ?? { start: 0, end: file.size }
  return {
    status: span === undefined ? 200 : 206,
    headers: {
      ...headers,
      'content-length': String(end - start),
      ...(span && { 'content-range': `bytes ${start}-${end - 1}/${file.size}` })
    },
    span: request.method === 'GET' ? { start, end } : undefined
  }
}

/** What a 304 repeats of the 200 (RFC 9110 §15.4.5), and what every answer shares. */
function validity(entry: Entry, etag: string): Record<string, string> {
  return {
    etag,
    'last-modified': new Date(entry.createdAt).toUTCString(),
    'cache-control': IMMUTABLE,
    'accept-ranges': 'bytes',
    'access-control-allow-origin': '*',
    'access-control-expose-headers':
      'Content-Range, Content-Length, ETag, Accept-Ranges, Link, Repr-Digest'
  }
}

function representation(
  entry: Entry,
  file: EntryFile,
  request: PlanRequest
): Record<string, string> {
  const type = mediaTypeOf(file.path)
  const name = request.filename ?? file.path.slice(file.path.lastIndexOf('/') + 1)
  return {
    'content-type': type,
    'x-content-type-options': 'nosniff',
    'content-disposition': dispositionOf(name, request.download),
    link: `</${entry.infoHash}.torrent>; rel="describedby"; type="application/x-bittorrent"`,
    ...(file.sha256 !== null && { 'repr-digest': formatDigestField('sha-256', file.sha256) }),
    ...(isActive(type) && { 'content-security-policy': SANDBOX })
  }
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header
}

function refusal(status: 412 | 416, headers: Record<string, string> = {}): ResponsePlan {
  return {
    status,
    headers: { ...headers, 'cache-control': 'no-store', 'access-control-allow-origin': '*' },
    span: undefined
  }
}
