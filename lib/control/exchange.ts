/**
 * One request to the tracker's control interface and its answer.
 *
 * Every answer of the tracker's own is either a value that passed its schema, or an `AppError`
 * that the interface promises. Anything else (no connection, a timeout, another program on that
 * port, a wrong secret, a failing tracker) is `TRACKER_UNAVAILABLE` with its cause: "unknown" and
 * "refused" are only ever the tracker's word.
 */
import type { Static, TSchema } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'
import { Agent, type Dispatcher, request } from 'undici'
import { AppError, ERRORS, type ErrorCode } from '../../core/errors.ts'

const CONNECT_TIMEOUT_MS = 5000
/** More than any page of the feed or metainfo. */
const MAX_ANSWER_BYTES = 256 * 2 ** 20
const MAX_CONNECTIONS = 64

/** Answers that mean something to the caller. */
const PROMISED: ReadonlySet<ErrorCode> = new Set([
  'REQUEST_INVALID',
  'CONTENT_UNKNOWN',
  'EPOCH_CHANGED',
  'METAINFO_INVALID',
  'UPLOAD_TOO_LARGE',
  'STORE_FULL'
])

export interface ExchangeConfig {
  readonly url: string
  readonly secret: string
  readonly timeoutMs: number
}

export interface Call {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  /** Below `/control/v1`, with its query. */
  readonly path: string
  readonly body?: unknown
  /** How much longer than usual the answer may take. */
  readonly waitMs?: number
  readonly signal?: AbortSignal | undefined
}

export interface Exchange {
  json<T extends TSchema>(call: Call, answer: Answer<T>): Promise<Static<T>>
  bytes(call: Call): Promise<Uint8Array>
  /** For calls whose answer carries nothing. */
  done(call: Call): Promise<void>
  close(): Promise<void>
}

/** A schema, compiled once. */
export type Answer<T extends TSchema> = (value: unknown) => Static<T>

export function answer<T extends TSchema>(schema: T): Answer<T> {
  let check: Validator<Record<never, never>, T> | undefined
  return (value) => {
    check ??= Compile(schema)
    if (!check.Check(value)) throw new Error('the answer is not of the expected form')
    return value as Static<T>
  }
}

export function createExchange({ url, secret, timeoutMs }: ExchangeConfig): Exchange {
  const base = `${url.replace(/\/+$/, '')}/control/v1`
  const dispatcher = new Agent({
    connections: MAX_CONNECTIONS,
    connect: { timeout: CONNECT_TIMEOUT_MS },
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: MAX_ANSWER_BYTES
  })

  async function ask<T>(call: Call, read: (body: Body) => Promise<T>): Promise<T> {
    const deadline = AbortSignal.timeout(timeoutMs + (call.waitMs ?? 0))
    const signal = call.signal === undefined ? deadline : AbortSignal.any([call.signal, deadline])
    try {
      const { statusCode, body } = await request(base + call.path, {
        method: call.method,
        headers: headersOf(call, secret),
        body: call.body === undefined ? null : JSON.stringify(call.body),
        signal,
        dispatcher
      })
      if (statusCode >= 200 && statusCode < 300) return await read(body)
      throw await refusal(statusCode, body)
    } catch (err) {
      throw translate(err, call)
    }
  }

  return {
    json: (call, parse) => ask(call, async (body) => parse(await body.json())),
    bytes: (call) => ask(call, async (body) => new Uint8Array(await body.arrayBuffer())),
    done: (call) => ask(call, (body) => body.dump()),
    close: () => dispatcher.destroy()
  }
}

type Body = Dispatcher.ResponseData['body']

function headersOf(call: Call, secret: string): Record<string, string> {
  const authorization = { authorization: `Bearer ${secret}` }
  return call.body === undefined
    ? authorization
    : { ...authorization, 'content-type': 'application/json' }
}

/** The error that a problem document stands for. */
async function refusal(status: number, body: Body): Promise<Error> {
  const problem: unknown = await body.json().catch(() => undefined)
  const { code, detail } = readProblem(problem)
  if (code === undefined) return new Error(`the tracker answered with status ${status}`)
  return new AppError(code, detail ?? ERRORS[code].title)
}

function readProblem(value: unknown): { code?: ErrorCode; detail?: string } {
  if (typeof value !== 'object' || value === null) return {}
  const code = 'code' in value && isErrorCode(value.code) ? { code: value.code } : {}
  const known = 'detail' in value && typeof value.detail === 'string'
  return known ? { ...code, detail: String(value.detail) } : code
}

function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERRORS, value)
}

function translate(err: unknown, { method, path, signal }: Call): unknown {
  if (err instanceof AppError && PROMISED.has(err.code)) return err
  if (signal?.aborted) return signal.reason
  const [resource] = path.split('?', 1)
  const detail = `The tracker gave no answer to ${method} ${resource}.`
  return new AppError('TRACKER_UNAVAILABLE', detail, { cause: err, retryAfter: 5 })
}
