/**
 * Serves one file of a torrent: plan, first byte, headers, body.
 *
 * Before the headers a failure is an answer (502, 503, 504 with what was tried); after them it is
 * a reset connection, never a short body that looks complete.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../../core/errors.ts'
import type { ByteSpan } from '../../core/geometry.ts'
import type { Entry, EntryFile } from '../../lib/control/control.ts'
import type { Node } from '../../lib/node/node.ts'
import type { Session } from '../../lib/node/session.ts'
import type { Log } from '../../lib/process/service.ts'
import { ClientLeft, sendBody } from './body.ts'
import { createBufferBudget } from './buffer-budget.ts'
import { createFileLookup } from './file-lookup.ts'
import { openInTime } from './open-in-time.ts'
import { type ByteSource, createReader, type Reader } from './reader.ts'
import { planResponse, type ResponsePlan } from './response-plan.ts'

export interface FileServerConfig {
  readonly firstByteTimeoutMs: number
  /** How long a client may take to accept one buffer. */
  readonly writeTimeoutMs: number
  /** Memory of all responses together. */
  readonly bufferBytes: number
}

/** What the file server counts; `gateway/metrics.ts` has the names. */
export interface ContentMetrics {
  firstByte(seconds: number): void
  sent(source: ByteSource, bytes: number): void
  /** A response was given up after its headers. */
  stalled(): void
}

export interface FileServerDeps {
  readonly node: Pick<Node, 'open'>
  readonly metrics: ContentMetrics
  readonly log: Log
}

/** A request, its answer, and the signal of a client that left. */
export interface Exchange {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly signal: AbortSignal
}

export interface FileServer {
  /** Answers a GET or HEAD of `segments` (`name` or `name/path…`) of an entry. */
  send(
    exchange: Exchange,
    entry: Entry,
    segments: readonly string[],
    query: URLSearchParams
  ): Promise<void>
  /** Memory that running responses hold now. */
  readonly bufferedBytes: number
}

export function createFileServer(config: FileServerConfig, deps: FileServerDeps): FileServer {
  const lookup = createFileLookup()
  const budget = createBufferBudget(config.bufferBytes)

  async function send(
    exchange: Exchange,
    entry: Entry,
    segments: readonly string[],
    query: URLSearchParams
  ): Promise<void> {
    const { request, reply } = exchange
    const file = lookup(entry, segments)
    if (file === undefined) {
      throw new AppError('FILE_UNKNOWN', `${entry.infoHash} has no file ${segments.join('/')}`)
    }
    const plan = planResponse(entry, file, {
      method: request.method === 'HEAD' ? 'HEAD' : 'GET',
      headers: request.headers,
      download: query.get('download') === '1',
      filename: query.get('filename') || undefined
    })
    if (plan.span === undefined || plan.span.end === plan.span.start) {
      reply.code(plan.status).headers(plan.headers).send()
      return
    }
    await stream(exchange, entry, file, plan, plan.span)
  }

  async function stream(
    exchange: Exchange,
    entry: Entry,
    file: EntryFile,
    plan: ResponsePlan,
    span: ByteSpan
  ): Promise<void> {
    const { reply, signal } = exchange
    const { firstByteTimeoutMs: timeoutMs } = config
    const began = performance.now()
    const session = await openInTime(deps.node, entry.infoHash, timeoutMs, signal)
    const opened = performance.now()
    const reader = createReader(session, torrentSpan(session, file, span), {
      pieceTimeoutMs: timeoutMs
    })
    try {
      const leftMs = Math.max(1, Math.round(timeoutMs - (opened - began)))
      const source = await reader.ready(signal, leftMs)
      const readyAt = performance.now()
      deps.metrics.firstByte((readyAt - began) / 1000)
      const timing = serverTiming(opened - began, readyAt - opened, source)
      reply.hijack()
      reply.raw.writeHead(plan.status, { ...plan.headers, 'server-timing': timing })
      await body(exchange, session.gone, reader, span)
    } finally {
      reader.close()
    }
  }

  /** After the headers: a failure is logged, and the client sees a reset. */
  async function body(
    { request, reply, signal }: Exchange,
    gone: AbortSignal,
    reader: Reader,
    span: ByteSpan
  ): Promise<void> {
    const { writeTimeoutMs } = config
    const onSent = deps.metrics.sent
    try {
      const bodyDeps = { budget, writeTimeoutMs, onSent }
      const alive = AbortSignal.any([signal, gone])
      await sendBody(reply.raw, reader, span.end - span.start, bodyDeps, alive)
    } catch (err) {
      if (signal.aborted || err instanceof ClientLeft) return
      if (!gone.aborted) deps.metrics.stalled()
      deps.log.warn({ err, url: request.url }, 'a response was reset')
    }
  }

  return {
    send,
    get bufferedBytes() {
      return budget.usedBytes
    }
  }
}

/** Where a span of a file lies in its torrent. */
function torrentSpan(session: Session, file: EntryFile, span: ByteSpan): ByteSpan {
  const offset = session.store.metainfo.files[file.index]?.offset
  if (offset === undefined) {
    throw new AppError('INTERNAL', `the catalogue names file ${file.index}, the metainfo does not`)
  }
  return { start: offset + span.start, end: offset + span.end }
}

/** What is known at the first byte (Server-Timing): milliseconds of each phase, and the source. */
function serverTiming(lookupMs: number, waitMs: number, source: ByteSource): string {
  return `lookup;dur=${lookupMs.toFixed(1)}, wait;dur=${waitMs.toFixed(1)}, source;desc=${source}`
}
