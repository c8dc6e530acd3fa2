/**
 * Serves what has bytes: plan, first byte, headers, body.
 *
 * Before the headers a failure is an answer (502, 503, 504 with what was tried); after them it is
 * a reset connection, never a short body that looks complete.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { InfoHash } from '../../core/info-hash.ts'
import { loggedTarget } from '../../lib/http/request-target.ts'
import type { Node } from '../../lib/node/node.ts'
import type { Session } from '../../lib/node/session.ts'
import type { Log } from '../../lib/process/service.ts'
import { provenFile } from '../../lib/store/library-file.ts'
import { type Accel, fileForFront, frontHeaders } from './accel.ts'
import { ClientLeft, resetResponse, sendBody } from './body.ts'
import { createBodyBuffers } from './body-buffers.ts'
import { createFileProver } from './file-prover.ts'
import { asksOnlyCached, isCached, notCached } from './only-if-cached.ts'
import { openInTime } from './open-in-time.ts'
import { createPartReader, type PartReader } from './part-reader.ts'
import type { ByteSource } from './reader.ts'
import type { BodyPart, Representation } from './representation.ts'
import { planErrorPage, planResponse, type ResponsePlan } from './response-plan.ts'

export interface FileServerConfig {
  readonly firstByteTimeoutMs: number
  /** How long a client may take to accept one buffer. */
  readonly writeTimeoutMs: number
  /** Memory of all responses together. */
  readonly bufferBytes: number
  /** A server in front of us sends what the library has. */
  readonly accel?: Accel | undefined
}

/** What the file server counts; `gateway/metrics.ts` has the names. */
export interface ContentMetrics {
  firstByte(seconds: number): void
  sent(source: ByteSource, bytes: number): void
  /** A response was given up after its headers. */
  stalled(): void
}

export interface FileServerDeps {
  readonly node: Pick<Node, 'open' | 'holds'>
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
  /**
   * Answers a GET or HEAD of a representation that draws on a torrent.
   * @param status other than 200 for the page that comes with an error: whole, never kept
   */
  send(
    exchange: Exchange,
    infoHash: InfoHash,
    representation: Representation,
    status?: number
  ): Promise<void>
  /** Memory that running responses hold now. */
  readonly bufferedBytes: number
}

export function createFileServer(config: FileServerConfig, deps: FileServerDeps): FileServer {
  const buffers = createBodyBuffers(config.bufferBytes)
  const prover = createFileProver(deps)
  const { firstByteTimeoutMs: timeoutMs, writeTimeoutMs } = config

  async function send(
    exchange: Exchange,
    infoHash: InfoHash,
    representation: Representation,
    status = 200
  ): Promise<void> {
    const { request, reply } = exchange
    const method = request.method === 'HEAD' ? 'HEAD' : 'GET'
    const plan =
      status === 200
        ? planResponse(representation, { method, headers: request.headers })
        : planErrorPage(representation, method, status)
    if (plan.spans.length > 0 && asksOnlyCached(request.headers)) {
      await demandCached(exchange, infoHash, representation, plan)
    }
    if (plan.body === undefined || plan.length === 0) {
      reply.code(plan.status).headers(plan.headers).send()
      return
    }
    await stream(exchange, infoHash, representation, { ...plan, body: plan.body })
  }

  /** What the node has, it opens without asking anybody. */
  async function demandCached(
    { signal }: Exchange,
    infoHash: InfoHash,
    representation: Representation,
    plan: ResponsePlan
  ): Promise<void> {
    if (!deps.node.holds(infoHash)) throw notCached()
    const session = await openInTime(deps.node, infoHash, timeoutMs, signal)
    if (!isCached(session, representation, plan.spans)) throw notCached()
  }

  async function stream(
    exchange: Exchange,
    infoHash: InfoHash,
    representation: Representation,
    plan: ResponsePlan & { readonly body: Iterable<BodyPart> }
  ): Promise<void> {
    const { reply, signal } = exchange
    const began = performance.now()
    const session = await openInTime(deps.node, infoHash, timeoutMs, signal)
    const opened = performance.now()
    if (await leaveToFront(exchange, session, representation, plan)) return
    const { body } = plan
    const { readsOn } = representation
    const readerConfig = { pieceTimeoutMs: timeoutMs }
    const onRead = deps.metrics.sent
    const reader = createPartReader({ session, body, readsOn, config: readerConfig, onRead })
    try {
      const leftMs = Math.max(1, Math.round(timeoutMs - (opened - began)))
      const source = await reader.ready(signal, leftMs)
      const readyAt = performance.now()
      deps.metrics.firstByte((readyAt - began) / 1000)
      const timing = serverTiming(opened - began, readyAt - opened, source)
      reply.hijack()
      reply.raw.writeHead(plan.status, { ...plan.headers, 'server-timing': timing })
      await pour(exchange, session.gone, reader, plan.length)
    } finally {
      reader.close()
    }
  }

  /** Answers with the headers by which the server in front sends the file, if it may. */
  async function leaveToFront(
    { request, reply, signal }: Exchange,
    session: Session,
    representation: Representation,
    plan: ResponsePlan
  ): Promise<boolean> {
    const { accel } = config
    const file = accel && fileForFront(representation, plan, request.headers)
    if (accel === undefined || file === undefined) return false
    const place = await provenFile(session.store, file.index)
    if (place === undefined) {
      prover.prove(session, file.index)
      return false
    }
    signal.throwIfAborted()
    session.gone.throwIfAborted()
    // It stays open as long as it is asked for, and with it the proof.
    session.sit().leave()
    reply
      .code(200)
      .headers(frontHeaders(accel, plan, place))
      .send()
    return true
  }

  /** After the headers: a failure is logged, and the client sees a reset. */
  async function pour(
    { request, reply, signal }: Exchange,
    gone: AbortSignal,
    reader: PartReader,
    length: number | undefined
  ): Promise<void> {
    // Unpublished content ends as if its client had left, which stops all the rest.
    const onGone = () => resetResponse(reply.raw)
    gone.addEventListener('abort', onGone, { once: true })
    try {
      gone.throwIfAborted()
      await sendBody(reply.raw, reader, length, { buffers, writeTimeoutMs }, signal)
    } catch (err) {
      resetResponse(reply.raw)
      if (signal.aborted || gone.aborted || err instanceof ClientLeft) return
      deps.metrics.stalled()
      deps.log.warn({ err, url: loggedTarget(request.url) }, 'a response was reset')
    } finally {
      gone.removeEventListener('abort', onGone)
    }
  }

  return {
    send,
    get bufferedBytes() {
      return buffers.usedBytes
    }
  }
}

/** What is known at the first byte (Server-Timing): milliseconds of each phase, and the source. */
function serverTiming(lookupMs: number, waitMs: number, source: ByteSource): string {
  return `lookup;dur=${lookupMs.toFixed(1)}, wait;dur=${waitMs.toFixed(1)}, source;desc=${source}`
}
