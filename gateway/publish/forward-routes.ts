/**
 * The upload routes of a gateway whose seeders run apart: same URLs, forwarded.
 *
 * A seeder that cannot be reached or has no place is passed over for the next, as long as no byte
 * of the body was sent. The seeder learns who uploads, how much and under which base URL from a
 * header signed with the cluster secret; nothing of that kind is taken from the client.
 */
import type { OutgoingHttpHeaders } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../../core/errors.ts'
import { ADMISSION_HEADER, type Admission, signAdmission } from '../../lib/api/admission.ts'
import type { Replica } from '../../lib/control/replica.ts'
import { acceptBody } from '../../lib/http/body.ts'
import { whenLeft } from '../../lib/http/when-left.ts'
import type { Log } from '../../lib/process/service.ts'
import { chooseSeeders, type IngestNode } from './choose-seeder.ts'
import { FORWARD_LIMITS, type ForwardLimits, forwardUpload, type SeederAnswer } from './forward.ts'
import { isOurFault, isWorthAnother, refusalOf, relayedHeaders } from './seeder-answer.ts'

/** Admits an upload before anything of it is read, or throws. */
export type Admit = (request: FastifyRequest) => Promise<Admission>

/** Mounts the upload routes; the seeder's ingest plugin is the other one. */
export type UploadRoutes = (app: FastifyInstance, admit: Admit) => void | Promise<void>

export interface ForwardDeps {
  readonly clusterSecret: string
  readonly replica: Pick<Replica, 'nodes'>
  readonly limits?: ForwardLimits
  readonly log: Log
}

const MAX_TRIES = 3
/** Within this the request must reach the seeder; the two clocks may differ by as much. */
const ADMISSION_MS = 5 * 60_000

export function forwardRoutes(deps: ForwardDeps): UploadRoutes {
  return (app, admit) => {
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (_request, _payload, done) => done(null))
    const config = { body: 'stream' } as const
    for (const url of ['/v1/files', '/v1/files/*']) {
      app.put(url, { config }, async (request, reply) => {
        const answer = await forward(request, reply, await admit(request), deps)
        return reply.code(answer.status).headers(relayedHeaders(answer)).send(answer.body)
      })
    }
  }
}

/** The success of the first seeder that takes the upload. Throws the refusal. */
async function forward(
  request: FastifyRequest,
  reply: FastifyReply,
  admission: Admission,
  deps: ForwardDeps
): Promise<SeederAnswer> {
  const bytes = bodyBytes(request)
  const seeders = chooseSeeders(deps.replica.nodes(), admission.principal, bytes)
  const signal = whenLeft(reply)
  let refusal: AppError | undefined
  for (const seeder of seeders.slice(0, MAX_TRIES)) {
    const outcome = await forwardUpload(
      seeder.ingestUrl,
      {
        method: request.method,
        target: request.raw.url ?? '/',
        headers: forwardedHeaders(request, bytes, signed(admission, deps)),
        body: request.raw,
        accept: () => acceptBody(request, reply),
        signal
      },
      deps.limits ?? FORWARD_LIMITS
    )
    if (outcome.status === 'unreached') {
      deps.log.warn({ err: outcome.cause, nodeId: seeder.id }, 'a seeder was not reached')
      continue
    }
    const { answer, bodyBegun } = outcome
    if (answer.status >= 200 && answer.status < 300) return answer
    noteRefusal(answer, seeder, deps.log)
    refusal = refusalOf(answer)
    if (bodyBegun || !isWorthAnother(answer)) break
  }
  throw refusal ?? new AppError('SEEDER_UNAVAILABLE', 'No seeder answered.', { retryAfter: 5 })
}

function noteRefusal({ status }: SeederAnswer, { id: nodeId }: IngestNode, log: Log): void {
  if (isOurFault(status)) {
    log.error({ nodeId, status }, 'a seeder refused our admission: cluster secret or clock differ')
  }
}

function signed(admission: Admission, { clusterSecret }: ForwardDeps): string {
  return signAdmission(clusterSecret, { ...admission, expiresAt: Date.now() + ADMISSION_MS })
}

/** What a client may tell a seeder; everything else stays between client and gateway. */
const FORWARDED = /^(?:accept|content-.+|repr-digest|idempotency-key|prefer|swarmgate-.+)$/

function forwardedHeaders(
  { raw: { headers } }: FastifyRequest,
  bytes: number | undefined,
  admission: string
): OutgoingHttpHeaders {
  const allowed = Object.entries(headers).filter(([name]) => FORWARDED.test(name))
  return {
    ...Object.fromEntries(allowed),
    ...(bytes === undefined ? { 'transfer-encoding': 'chunked' } : { 'content-length': bytes }),
    // Last, so that no client can bring its own.
    [ADMISSION_HEADER]: admission
  }
}

/** RFC 9112 §6.3: without either header a request has no body. Undefined for a chunked one. */
export function bodyBytes({ raw: { headers } }: Pick<FastifyRequest, 'raw'>): number | undefined {
  if (headers['transfer-encoding'] !== undefined) return undefined
  return Number(headers['content-length'] ?? 0)
}
