/**
 * One upload forwarded to one seeder: the client's body streams through, the answer comes back.
 *
 * The seeder is always asked first (`Expect: 100-continue`), and the client is told to send only
 * once the seeder has accepted. When the seeder answers early the transfer stops, with the
 * client's stream alive. Every wait has a deadline.
 * Not its job: which seeder, who may upload, what the answer means.
 */
import {
  type ClientRequest,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders
} from 'node:http'
import { request as httpsRequest } from 'node:https'
import { AppError } from '../../core/errors.ts'
import { deadline } from '../../lib/process/deadline.ts'
import { transferBody } from './body-transfer.ts'

export interface ForwardLimits {
  /** For the connection and the seeder's word on whether it takes the upload. */
  readonly acceptMs: number
  /** How long the seeder may take nothing while bytes wait. */
  readonly stallMs: number
  /** For the answer once the whole body is sent: the seeder makes it durable meanwhile. */
  readonly answerMs: number
}

export const FORWARD_LIMITS: ForwardLimits = {
  acceptMs: 10_000,
  stallMs: 60_000,
  answerMs: 300_000
}

export interface Upload {
  readonly method: string
  /** Path and query, still encoded. */
  readonly target: string
  readonly headers: OutgoingHttpHeaders
  readonly body: IncomingMessage
  /** The client may send its body now. */
  readonly accept: () => void
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal
}

export interface SeederAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export type ForwardOutcome =
  | { readonly status: 'answered'; readonly answer: SeederAnswer; readonly bodyBegun: boolean }
  /** No byte of the body was sent: another seeder may be tried. */
  | { readonly status: 'unreached'; readonly cause: unknown }

const MAX_ANSWER_BYTES = 2 ** 20
const RETRY_AFTER_S = 5

/**
 * @param seederUrl base URL of the seeder's ingest.
 * @throws AppError SEEDER_UNAVAILABLE when the seeder fails after a byte of the body was sent;
 *   REQUEST_INVALID when the client left.
 */
export async function forwardUpload(
  seederUrl: string,
  upload: Upload,
  limits: ForwardLimits = FORWARD_LIMITS
): Promise<ForwardOutcome> {
  const progress = { bodyBegun: false }
  const seeder = openRequest(seederUrl, upload)
  const onLeft = () => seeder.destroy()
  upload.signal.addEventListener('abort', onLeft, { once: true })
  try {
    const answer = await converse(seeder, upload, limits, progress)
    return { status: 'answered', answer, bodyBegun: progress.bodyBegun }
  } catch (cause) {
    if (upload.signal.aborted || isCut(upload.body)) {
      throw new AppError('REQUEST_INVALID', 'The client left before its upload was whole.', {
        cause
      })
    }
    if (!progress.bodyBegun) return { status: 'unreached', cause }
    const detail = 'The seeder failed in the middle of the upload; nothing was published.'
    throw new AppError('SEEDER_UNAVAILABLE', detail, { cause, retryAfter: RETRY_AFTER_S })
  } finally {
    upload.signal.removeEventListener('abort', onLeft)
    seeder.destroy()
  }
}

function isCut(body: IncomingMessage): boolean {
  return body.destroyed && !body.complete
}

function openRequest(seederUrl: string, upload: Upload): ClientRequest {
  const url = new URL(seederUrl)
  const open = url.protocol === 'https:' ? httpsRequest : httpRequest
  return open(url, {
    method: upload.method,
    path: url.pathname.replace(/\/$/, '') + upload.target,
    headers: { ...upload.headers, expect: '100-continue' },
    // A connection of its own: one from a pool may turn out dead only after it got the headers.
    agent: false
  })
}

async function converse(
  seeder: ClientRequest,
  upload: Upload,
  limits: ForwardLimits,
  progress: { bodyBegun: boolean }
): Promise<SeederAnswer> {
  const answered = whenAnswered(seeder)
  const continued = new Promise<undefined>((resolve) => {
    seeder.once('continue', () => resolve(undefined))
  })
  const refusal = await inTime(Promise.race([continued, answered]), limits.acceptMs, 'acceptance')
  if (refusal !== undefined) return refusal

  upload.signal.throwIfAborted()
  upload.accept()
  const transfer = transferBody(upload.body, seeder, limits.stallMs)
  try {
    const early = await Promise.race([transfer.done, answered])
    return early ?? (await inTime(answered, limits.answerMs, 'answer'))
  } finally {
    transfer.stop()
    progress.bodyBegun = transfer.begun
  }
}

/**
 * Rejects when the connection fails or ends without a whole answer. Once an answer has begun, only
 * reading it can fail: that the rest of the body could not be written is what an early one means.
 */
function whenAnswered(seeder: ClientRequest): Promise<SeederAnswer> {
  const answered = new Promise<SeederAnswer>((resolve, reject) => {
    seeder.on('error', reject)
    seeder.once('response', (response) => {
      seeder.off('error', reject).on('error', () => {})
      readAnswer(response).then(resolve, reject)
    })
  })
  answered.catch(() => {})
  return answered
}

async function readAnswer(response: IncomingMessage): Promise<SeederAnswer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_ANSWER_BYTES) throw new Error('the answer of the seeder is too large')
    chunks.push(chunk)
  }
  const { statusCode = 0, headers } = response
  return { status: statusCode, headers, body: Buffer.concat(chunks) }
}

async function inTime<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  using limit = deadline(ms, () => new Error(`no ${what} of the seeder within ${ms} ms`))
  const expired = new Promise<never>((_resolve, reject) => {
    limit.signal.addEventListener('abort', () => reject(limit.signal.reason), { once: true })
  })
  return await Promise.race([promise, expired])
}
