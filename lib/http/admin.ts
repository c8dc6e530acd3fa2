/**
 * The admin listener: metrics and health, on a port of its own that is never public.
 *
 * `/health/live` says whether the process should be restarted, `/health/ready` whether it should
 * get work. It is opened first and closed last, so that a closing process still says so.
 */
import type { AddressInfo } from 'node:net'
import type { Metrics } from '../metrics/metrics.ts'
import type { Log, Service } from '../process/service.ts'
import { closeHttpApp, createHttpApp } from './app.ts'

export interface AdminConfig {
  readonly host: string
  readonly port: number
}

export interface Health {
  readonly live: boolean
  readonly ready: boolean
  /** What a person wants to know beside it; no secrets. */
  readonly detail?: Readonly<Record<string, unknown>>
}

export interface AdminDeps {
  readonly metrics: Metrics
  readonly health: () => Health
  readonly log: Log
}

export interface Admin extends Service {
  readonly address: AddressInfo
}

export async function createAdmin(config: AdminConfig, deps: AdminDeps): Promise<Admin> {
  const { metrics, health, log } = deps
  const app = createHttpApp({ log: log.child({ component: 'admin' }) })

  app.get('/metrics', async (_request, reply) => {
    reply.header('content-type', metrics.registry.contentType)
    return metrics.registry.metrics()
  })
  app.addHook('onSend', async (_request, reply) => {
    reply.header('cache-control', 'no-store')
  })
  for (const kind of ['live', 'ready'] as const) {
    app.get(`/health/${kind}`, async (_request, reply) => {
      const state = health()
      return reply.code(state[kind] ? 200 : 503).send({ ...state.detail, [kind]: state[kind] })
    })
  }

  await app.listen({ host: config.host, port: config.port })
  const address = app.server.address() as AddressInfo
  return { name: 'admin', address, close: () => closeHttpApp(app, 1000) }
}
