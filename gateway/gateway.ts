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
import type { GatewayConfig } from './config.ts'
import { type ContentMetrics, createFileServer } from './content/file-server.ts'
import { openInTime } from './content/open-in-time.ts'
import { contentRoutes } from './content/routes.ts'
import { countRequests, createGatewayMetrics, type GatewayMetrics } from './metrics.ts'
import { createAuthentication } from './publish/authentication.ts'
import type { UploadRoutes } from './publish/forward-routes.ts'
import { type Binding, whyReachable } from './publish/local-request.ts'
import { publishRoutes } from './publish/routes.ts'
import { publishedEntry } from './published-entry.ts'
import { createListingSender } from './site/listing-sender.ts'
import { siteRoutes } from './site/routes.ts'

export interface GatewayDeps {
  readonly node: Pick<Node, 'open' | 'statsOf'>
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

/** How long a client may take to accept one buffer of a response. */
const WRITE_TIMEOUT_MS = 60_000
/** Memory that all running responses may hold together. */
const BUFFER_BYTES = 64 * 2 ** 20

export async function openGateway(config: GatewayConfig, deps: GatewayDeps): Promise<Gateway> {
  const { node, replica, announceUrls } = deps
  const log = deps.log.child({ component: 'gateway' })
  const metrics = createGatewayMetrics(deps.metrics)
  const app = createHttpApp({ log, trustedProxies: config.trustedProxies })
  const baseUrlOf = createBaseUrl(config.url)
  const authentication = createAuthentication({
    secrets: config.apiKeys ?? [],
    replica,
    binding
  })
  const files = createFileServer(
    {
      firstByteTimeoutMs: config.firstByteTimeoutMs,
      writeTimeoutMs: WRITE_TIMEOUT_MS,
      bufferBytes: BUFFER_BYTES
    },
    { node, metrics: contentMetrics(metrics), log }
  )

  countRequests(app, metrics)
  const present = createTorrentPresenter({ replica, announceUrls, statsOf: node.statsOf })
  await publishRoutes(app, config, { ...deps, present, authentication, baseUrlOf })
  siteRoutes(app, { authentication, control: deps.control, baseUrlOf })
  contentRoutes(app, {
    files,
    findEntry: (infoHash, signal) => publishedEntry(replica, infoHash, signal),
    async infoOf(infoHash, signal) {
      const session = await openInTime(node, infoHash, config.firstByteTimeoutMs, signal)
      return session.store.metainfo.info
    },
    baseUrlOf,
    announceUrls,
    sendListing: createListingSender({ baseUrlOf, announceUrls })
  })
  await app.listen({ host: config.host, port: config.port })

  function binding(): Binding {
    const { address, port } = app.server.address() as AddressInfo
    return { address, port, url: config.url }
  }

  return {
    name: 'gateway',
    url: config.url ?? listenerUrl(config.host, binding().port),
    wantsKey: config.apiKeys === undefined && whyReachable(binding()) !== undefined,
    close: () => closeHttpApp(app, RESPONSES_GRACE_MS)
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
