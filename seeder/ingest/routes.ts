/**
 * `PUT /v1/files/{name}`: the ingest's routes.
 *
 * In one process they are mounted on the gateway, apart on the seeder's own port: the same URLs,
 * the same answers; only who is admitted differs, and comes from outside. Refusals are thrown
 * before the body is asked for, and the app turns them into problem documents the client can read.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../../core/errors.ts'
import type { Admission } from '../../lib/api/admission.ts'
import { type Torrent, torrentPath } from '../../lib/api/torrent.ts'
import type { Entry } from '../../lib/control/control.ts'
import { acceptBody } from '../../lib/http/body.ts'
import { expectedDigests } from './expected-digest.ts'
import type { Ingest, PublishOutcome, Upload } from './ingest.ts'

/** Says who uploads and what they may still publish; throws an AppError when they may not. */
export type Admit = (request: FastifyRequest) => Promise<Admission>

export interface IngestRoutesDeps {
  readonly ingest: Pick<Ingest, 'put'>
  /** The torrent object of what was published. */
  readonly present: (entry: Entry, admission: Admission) => Torrent
}

/** Mounts the routes. `app` is a scope of their own: the body parsers in it are replaced. */
export type IngestRoutes = (app: FastifyInstance, admit: Admit) => void

export function ingestRoutes({ ingest, present }: IngestRoutesDeps): IngestRoutes {
  return (app, admit) => {
    takeAnyBody(app)
    const config = { body: 'stream' } as const

    app.put<{ Params: { '*': string } }>('/v1/files/*', { config }, async (request, reply) => {
      const admission = await admit(request)
      const upload = uploadOf(request, reply, request.params['*'], admission)
      const outcome = await ingest.put(upload)
      return answer(reply, outcome, present(outcome.entry, admission))
    })

    app.put('/v1/files', { config }, async (request) => {
      await admit(request)
      throw nameMissing()
    })
  }
}

/** The body goes to the route as it comes, whatever it is said to be. */
function takeAnyBody(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
}

/** @throws AppError for what the headers alone forbid. */
function uploadOf(
  request: FastifyRequest,
  reply: FastifyReply,
  name: string,
  { maxBytes }: Admission
): Upload {
  const { headers, raw } = request
  if (name === '') throw nameMissing()
  refusePartial(request)
  return {
    name,
    length: contentLength(request),
    body: raw,
    digests: expectedDigests([field(headers['repr-digest']), field(headers['content-digest'])]),
    maxBytes,
    accept: () => acceptBody(request, reply)
  }
}

/** Undefined for a chunked body. A request with neither header has no body (RFC 9112 §6.3). */
function contentLength({ headers }: FastifyRequest): number | undefined {
  if (headers['transfer-encoding'] !== undefined) return undefined
  return Number(headers['content-length'] ?? 0)
}

/** A part must not be published as if it were the whole, nor an encoding as if it were the file. */
function refusePartial({ headers }: FastifyRequest): void {
  if (headers['content-range'] !== undefined) {
    const detail = 'Content-Range is not taken here (RFC 9110 §14.5): send the whole file'
    throw new AppError('REQUEST_INVALID', detail)
  }
  const coding = headers['content-encoding'] ?? 'identity'
  if (coding.toLowerCase() !== 'identity') {
    const detail = 'files are published as they are sent: leave Content-Encoding away'
    throw new AppError('MEDIA_TYPE_UNSUPPORTED', detail)
  }
}

function answer(
  reply: FastifyReply,
  { status, entry }: PublishOutcome,
  torrent: Torrent
): FastifyReply {
  reply
    .code(status === 'created' ? 201 : 200)
    .header('location', torrentPath(entry.infoHash))
    .header('cache-control', 'no-store')
    .header('vary', 'accept')
  if (!prefersText(reply.request.headers.accept)) return reply.send(torrent)
  const { gateway, magnet } = torrent.links
  return reply.type('text/plain; charset=utf-8').send(`${gateway}\n${magnet}\n`)
}

/** JSON unless plain text is asked for and JSON is not. */
function prefersText(accept = ''): boolean {
  const types = accept.split(',').map((item) => item.split(';')[0]?.trim().toLowerCase())
  return types.includes('text/plain') && !types.includes('application/json')
}

function nameMissing(): AppError {
  const detail =
    'the URL has no file name: PUT /v1/files/{name}. ' +
    'curl -T adds the name by itself when the URL ends with a slash'
  return new AppError('NAME_NOT_ALLOWED', detail, { errors: [{ detail: 'the name is empty' }] })
}

function field(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value
}
