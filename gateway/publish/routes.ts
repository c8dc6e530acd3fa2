/**
 * `/v1` on the gateway: who may, what exists, how large an upload may be.
 *
 * Guarantees: nothing below `/v1` is looked at before the request is authenticated; a read needs
 * the scope `read`, anything else `publish`; no answer is stored by a cache; what does not exist
 * is 404 or 405 as a problem document, never content.
 * Not its job: the bytes of uploads, which the mounted upload routes own (the seeder's ingest in
 * one process, forwarding apart), and the problem documents themselves (`lib/http`).
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { AppError } from '../../core/errors.ts'
import { formatSize } from '../../core/units.ts'
import { createAllowedMethods } from '../../lib/http/allowed-methods.ts'
import type { Principal } from './api-keys.ts'
import { type Authentication, requireScope } from './authentication.ts'
import { type Admit, bodyBytes, type UploadRoutes } from './forward-routes.ts'
import { type LinksDeps, linksRoutes } from './links-routes.ts'
import { type TorrentDeps, torrentRoutes } from './torrent-routes.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; set for everything below `/v1`. */
    principal: Principal | null
  }
}

export interface PublishConfig {
  readonly maxUploadBytes: number
}

export interface PublishDeps extends TorrentDeps, Omit<LinksDeps, 'replica'> {
  readonly authentication: Authentication
  readonly uploads: UploadRoutes
}

/** Mounts `/v1`. Awaited by the caller, or left to `app.ready()`. */
export async function publishRoutes(
  app: FastifyInstance,
  config: PublishConfig,
  deps: PublishDeps
): Promise<void> {
  await app.register(async (v1) => {
    guard(v1, deps.authentication)
    refuseUnknown(v1)
    await v1.register(async (scope) => torrentRoutes(scope, deps))
    await v1.register(async (scope) => linksRoutes(scope, deps))
    await v1.register(async (scope) => deps.uploads(scope, admission(config, deps)))
  })
}

function guard(v1: FastifyInstance, authentication: Authentication): void {
  v1.decorateRequest('principal', null)
  v1.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store')
    const principal = authentication.authenticate(request.raw)
    requireScope(principal, isRead(request) ? 'read' : 'publish')
    request.principal = principal
  })
}

function isRead({ method }: FastifyRequest): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
}

/** Everything below `/v1` that no route takes; before the body, and before content may. */
function refuseUnknown(v1: FastifyInstance): void {
  const allowed = createAllowedMethods()
  const unknown = new Set(['/v1', '/v1/*'])
  v1.addHook('onRoute', ({ url, method }) => {
    if (!unknown.has(url)) allowed.note(url, method)
  })
  for (const url of unknown) {
    v1.all(url, {
      onRequest: async (request, reply) => {
        const methods = allowed.of(request.url.split('?', 1)[0] as string)
        if (methods.length === 0) {
          throw new AppError('ROUTE_UNKNOWN', 'There is nothing at this URL.')
        }
        reply.header('allow', methods.join(', '))
        throw new AppError('METHOD_NOT_ALLOWED', `${request.method} is not a method of this URL.`)
      },
      handler: async () => null
    })
  }
}

/** Admits an upload by the limits of the gateway. */
function admission({ maxUploadBytes }: PublishConfig, { baseUrlOf }: PublishDeps): Admit {
  return async (request) => {
    if (request.principal === null) throw new AppError('KEY_REQUIRED', 'Nobody was authenticated.')
    if ((bodyBytes(request) ?? 0) > maxUploadBytes) {
      const detail = `An upload may have ${formatSize(maxUploadBytes)} here.`
      throw new AppError('UPLOAD_TOO_LARGE', detail)
    }
    return {
      principal: request.principal.id,
      maxBytes: maxUploadBytes,
      baseUrl: baseUrlOf(request)
    }
  }
}
