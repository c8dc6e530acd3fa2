/**
 * Sends each request to whom it was meant for, before any route sees it.
 *
 * On the gateway's own host routes go on as they are, except that no script of a torrent may
 * become a service worker there: it would act on every torrent's URLs. On the host of a site every
 * path is the site's, `/v1`, `/s/` and the suffixes included. Any other host is refused (421).
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../../core/errors.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import type { Hosts } from './host-check.ts'

export interface OriginGuardDeps {
  readonly hosts: Pick<Hosts, 'classify'>
  /** Answers a GET or HEAD on the host of a site. */
  readonly serveSite: (
    request: FastifyRequest,
    reply: FastifyReply,
    infoHash: InfoHash
  ) => Promise<unknown>
  /** Headers of the answer to OPTIONS on the host of a site. */
  readonly preflight: Readonly<Record<string, string>>
}

/** To be called before hooks and routes that only the gateway's own host has. */
export function guardOrigins(app: FastifyInstance, deps: OriginGuardDeps): void {
  app.addHook('onRequest', async (request, reply) => {
    const host = deps.hosts.classify(request.host)
    if (host.kind === 'foreign') {
      throw new AppError('HOST_UNKNOWN', 'This gateway has no host of that name.')
    }
    if (host.kind === 'gateway') return refuseServiceWorker(request)
    if (host.kind === 'moved') {
      return reply.redirect(`${request.protocol}://${host.host}${rootedTarget(request)}`, 301)
    }
    await serve(request, reply, host.infoHash)
    return reply
  })

  async function serve(
    request: FastifyRequest,
    reply: FastifyReply,
    infoHash: InfoHash
  ): Promise<void> {
    const { method } = request
    if (method === 'OPTIONS') {
      reply.code(204).headers(deps.preflight).send()
      return
    }
    if (method !== 'GET' && method !== 'HEAD') {
      reply.header('allow', 'GET, HEAD, OPTIONS')
      throw new AppError('METHOD_NOT_ALLOWED', 'A site can only be read.')
    }
    await deps.serveSite(request, reply, infoHash)
  }
}

/** Browsers mark the fetch of a service worker's script; nothing else does. */
function refuseServiceWorker({ headers }: FastifyRequest): void {
  if (headers['service-worker'] === undefined) return
  const detail = "A service worker can only be registered on a site's own origin."
  throw new AppError('REQUEST_INVALID', detail)
}

/** The target of the request, in a form that nothing in front of it can be mistaken for a host. */
function rootedTarget({ url }: FastifyRequest): string {
  return url.startsWith('/') ? url : '/'
}
