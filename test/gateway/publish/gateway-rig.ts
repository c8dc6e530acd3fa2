/** The publishing side of a gateway on a real port, over a fleet in memory. */
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { createSigningKeys } from '../../../gateway/access/signing-keys.ts'
import { createAuthentication } from '../../../gateway/publish/authentication.ts'
import type { ForwardLimits } from '../../../gateway/publish/forward.ts'
import { forwardRoutes, type UploadRoutes } from '../../../gateway/publish/forward-routes.ts'
import { publishRoutes } from '../../../gateway/publish/routes.ts'
import { siteRoutes } from '../../../gateway/site/routes.ts'
import { createBaseUrl } from '../../../lib/api/base-url.ts'
import { createTorrentPresenter } from '../../../lib/api/torrent-presenter.ts'
import { closeHttpApp, createHttpApp } from '../../../lib/http/app.ts'
import { silentLog } from '../../fakes/silent-log.ts'
import { createFleet, type Fleet } from './fleet.ts'

export const SECRET = 'cluster-secret'
export const LINK_KEYS = [{ id: 'k', secret: 'a secret of a test' }]

export interface GatewayOptions {
  readonly fleet?: Fleet
  readonly secrets?: readonly string[]
  readonly maxUploadBytes?: number
  readonly url?: string
  readonly limits?: ForwardLimits
  readonly uploads?: UploadRoutes
  /** Mode `open`. */
  readonly open?: boolean
  /** The address that the gateway believes to be bound to. */
  readonly address?: string
}

export interface TestGateway {
  readonly port: number
  readonly url: string
  readonly fleet: Fleet
}

const LIMITS: ForwardLimits = { acceptMs: 120_000, stallMs: 120_000, answerMs: 120_000 }

export async function openGateway(
  t: Pick<Test, 'teardown'>,
  options: GatewayOptions = {}
): Promise<TestGateway> {
  const fleet = options.fleet ?? createFleet()
  const app = createHttpApp({ log: silentLog })
  const bound = () => app.server.address() as AddressInfo
  const authentication = createAuthentication({
    secrets: options.secrets ?? [],
    replica: fleet,
    binding: () => ({
      address: options.address ?? bound().address,
      port: bound().port,
      url: options.url
    })
  })
  const baseUrlOf = createBaseUrl(options.url)
  const announceUrls = ['http://tracker.test/announce']
  const present = createTorrentPresenter({ replica: fleet, announceUrls, statsOf: () => undefined })
  const limits = options.limits ?? LIMITS
  const forwarding = forwardRoutes({
    clusterSecret: SECRET,
    replica: fleet,
    limits,
    log: silentLog
  })
  const uploads = options.uploads ?? forwarding
  const config = { maxUploadBytes: options.maxUploadBytes ?? 2 ** 40 }
  const signingKeys = createSigningKeys({
    configured: LINK_KEYS,
    replica: { signingKeys: () => [] }
  })
  const fleetDeps = { control: fleet, replica: fleet }
  const deps = { authentication, baseUrlOf, present, signingKeys, uploads, ...fleetDeps }
  await publishRoutes(app, config, deps)
  const { open = false } = options
  siteRoutes(app, { authentication, control: fleet, baseUrlOf, open })
  // Content takes every other URL, as in the whole gateway.
  app.get('/*', async () => 'content')
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => closeHttpApp(app, 0))
  const { port } = bound()
  return { port, url: `http://127.0.0.1:${port}`, fleet }
}
