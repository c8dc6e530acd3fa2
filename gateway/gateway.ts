/**
 * The gateway, put together: content, publishing and the site on one public HTTP server.
 *
 * It keeps nothing of its own but a cache; in one process the seeder's upload routes are mounted
 * here, apart they are forwarded.
 */
import type { AddressInfo } from 'node:net'
import { createBaseUrl, listenerUrl } from '../lib/api/base-url.ts'
import { createTorrentPresenter } from '../lib/api/torrent-presenter.ts'
import type { Control } from '../lib/control/control.ts'
import type { Replica } from '../lib/control/replica.ts'
import { closeHttpApp, createHttpApp } from '../lib/http/app.ts'
import type { Metrics } from '../lib/metrics/metrics.ts'
import type { Node } from '../lib/node/node.ts'
import type { Log, Service } from '../lib/process/service.ts'
import { RESPONSES_GRACE_MS } from '../lib/process/shutdown.ts'
import { openContentGuard } from './access/content-guard.ts'
import { createSigningKeys } from './access/signing-keys.ts'
import type { GatewayConfig } from './config.ts'
import { isContentTarget } from './content/content-url.ts'
import type { ContentMetrics } from './content/file-server.ts'
import { mountContents } from './contents.ts'
import { countRequests, createGatewayMetrics, type GatewayMetrics } from './metrics.ts'
import { createAuthentication } from './publish/authentication.ts'
import type { UploadRoutes } from './publish/forward-routes.ts'
import { type Binding, whyForeign, whyReachable } from './publish/local-request.ts'
import { publishRoutes } from './publish/routes.ts'
import { siteRoutes } from './site/routes.ts'

export interface GatewayDeps {
  readonly node: Pick<Node, 'foreign' | 'holds' | 'open' | 'restrict' | 'statsOf'>
  readonly replica: Replica
  readonly control: Control
  /** The seeder's own routes in one process, `forwardRoutes` apart. */
  readonly uploads: UploadRoutes
  readonly announceUrls: readonly string[]
  readonly metrics: Metrics
  readonly log: Log
}

export interface Gateway extends Service {
  readonly url: string
  /** Strangers may reach it and it was given no key: the tracker is to make the first one. */
  readonly wantsKey: boolean
}

/** How long a client may take to accept one buffer of a response: players pause. */
const WRITE_TIMEOUT_MS = 5 * 60_000
/** Memory that all running responses may hold together. */
const BUFFER_BYTES = 64 * 2 ** 20

export async function openGateway(config: GatewayConfig, deps: GatewayDeps): Promise<Gateway> {
  const { node, replica, announceUrls } = deps
  const log = deps.log.child({ component: 'gateway' })
  const metrics = createGatewayMetrics(deps.metrics)
  const app = createHttpApp({
    log,
    trustedProxies: config.trustedProxies,
    isOpaque: isContentTarget
  })
  const baseUrlOf = createBaseUrl(config.url)
  const signingKeys = createSigningKeys({ configured: config.signingKeys, replica })
  const authentication = createAuthentication({
    secrets: config.apiKeys ?? [],
    replica,
    binding
  })
  const guard = await openContentGuard(config, { node, log })

  countRequests(app, metrics)
  mountContents(
    app,
    { ...config, writeTimeoutMs: WRITE_TIMEOUT_MS, bufferBytes: BUFFER_BYTES },
    {
      ...guard,
      node,
      replica,
      isNear: ({ raw }) => whyForeign(raw, binding()) === undefined,
      signingKeys,
      baseUrlOf,
      announceUrls,
      metrics: contentMetrics(metrics),
      log
    }
  )
  const present = createTorrentPresenter({ replica, announceUrls, statsOf: node.statsOf })
  await publishRoutes(app, config, { ...deps, present, authentication, baseUrlOf, signingKeys })
  const open = config.mode === 'open'
  siteRoutes(app, { authentication, control: deps.control, baseUrlOf, open })
  await app.listen({ host: config.host, port: config.port })

  function binding(): Binding {
    const { address, port } = app.server.address() as AddressInfo
    return { address, port, url: config.url }
  }

  return {
    name: 'gateway',
    url: config.url ?? listenerUrl(config.host, binding().port),
    wantsKey: config.apiKeys === undefined && whyReachable(binding()) !== undefined,
    async close() {
      await closeHttpApp(app, RESPONSES_GRACE_MS)
      await guard.close()
    }
  }
}

function contentMetrics({
  firstByteSeconds,
  responseBytes,
  stalls
}: GatewayMetrics): ContentMetrics {
  return {
    firstByte: (seconds) => firstByteSeconds.observe(seconds),
    sent: (source, bytes) => responseBytes.inc({ source }, bytes),
    stalled: () => stalls.inc()
  }
}
