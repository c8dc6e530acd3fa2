/** `/` and `/robots.txt`: the two URLs of the gateway that are neither content nor `/v1`. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { AppError } from '../../core/errors.ts'
import type { BaseUrlOf } from '../../lib/api/base-url.ts'
import type { Control } from '../../lib/control/control.ts'
import { openTarget } from '../access/open-target.ts'
import { type Authentication, requireScope } from '../publish/authentication.ts'
import { PAGE_HEADERS } from './document.ts'
import { type Recent, renderHomePage } from './home-page.ts'

export interface SiteDeps {
  readonly authentication: Authentication
  readonly control: Pick<Control, 'list'>
  readonly baseUrlOf: BaseUrlOf
  /** Mode `open`: a magnet link in the query leads to its content. */
  readonly open: boolean
}

const RECENT_ENTRIES = 20

/** Nobody's files are to be found by search: only the page itself may be visited. */
const ROBOTS = 'User-agent: *\nAllow: /$\nDisallow: /\n'

export function siteRoutes(app: FastifyInstance, deps: SiteDeps): void {
  app.get('/', async (request, reply) => {
    const elsewhere = deps.open ? openTarget(request.url) : undefined
    if (elsewhere !== undefined) return reply.redirect(elsewhere.location, elsewhere.status)
    const page = renderHomePage(deps.baseUrlOf(request), await recent(request))
    return reply.headers({ ...PAGE_HEADERS, 'cache-control': 'no-store' }).send(page)
  })

  app.get('/robots.txt', async (_request, reply) => {
    reply.header('cache-control', 'max-age=3600')
    return reply.type('text/plain; charset=utf-8').send(ROBOTS)
  })

  /** The page shows no more than `/v1` would tell the same request. */
  async function recent(request: FastifyRequest): Promise<Recent> {
    try {
      requireScope(deps.authentication.authenticate(request.raw), 'read')
      const { items } = await deps.control.list({ limit: RECENT_ENTRIES })
      return { status: 'listed', entries: items }
    } catch (err) {
      if (!(err instanceof AppError)) throw err
      return { status: err.status === 503 ? 'unavailable' : 'key-needed' }
    }
  }
}
