/**
 * The tracker, put together: catalogue, leases, control interface and announce on one port.
 *
 * TCP carries announce over HTTP and WebSocket and the control routes; UDP, on the same number,
 * announce. The control interface is also handed out as it is, for roles in the same process.
 */
import type { AddressInfo } from 'node:net'
import { announceUrlsOf } from '../lib/control/announce-urls.ts'
import type { Control } from '../lib/control/control.ts'
import { closeHttpApp, createHttpApp, type HttpApp } from '../lib/http/app.ts'
import type { Metrics } from '../lib/metrics/metrics.ts'
import { advertisedHost } from '../lib/node/advertise.ts'
import type { Log, Service } from '../lib/process/service.ts'
import { type Announce, createAnnounce } from './announce/announce.ts'
import { type Catalogue, createCatalogue } from './catalogue/catalogue.ts'
import { openSqlite } from './catalogue/open-sqlite.ts'
import type { TrackerConfig } from './config.ts'
import { createControl } from './control.ts'
import { startLeases } from './fleet/leases.ts'
import { declareTrackerMetrics } from './metrics.ts'
import { mountControl } from './routes.ts'
import { createSwarmAccess } from './swarm-access.ts'

const LEASE = { leaseMs: 15_000, sweepMs: 2500 }
/** How long running answers may take when the tracker closes; long polls are ended at once. */
const CLOSE_GRACE_MS = 5000
/** A free TCP port may be taken for UDP: then another one is tried. */
const PORT_TRIES = 10

export interface TrackerDeps {
  readonly log: Log
  readonly metrics: Metrics
  /** Shows the fleet's first API key to its operator, once. */
  readonly announceKey: (key: string) => void
}

export interface Tracker extends Service {
  readonly control: Control
  readonly port: number
  /** Where other roles reach it: scheme, host and port. */
  readonly url: string
  /** What goes into metainfo and magnets. */
  readonly announceUrls: readonly string[]
}

export async function openTracker(config: TrackerConfig, deps: TrackerDeps): Promise<Tracker> {
  const { metrics } = deps
  const log = deps.log.child({ component: 'tracker' })
  const now = () => Date.now()
  const db = await openSqlite(config.folder, log)
  const catalogue = createCatalogue(config, { db, log })
  await catalogue.ensureSigningKey()
  const control = createControl(LEASE, { catalogue, now, announceKey: deps.announceKey })
  const leases = await startLeases(LEASE, { catalogue, now, log })
  const approve = createSwarmAccess(config.access, { catalogue })
  const announce = createAnnounce({}, { approve, log, metrics })
  endSwarms(catalogue, announce)
  declareTrackerMetrics(metrics, { catalogue, log })

  function buildApp(): HttpApp {
    const app = createHttpApp({ log })
    mountAnnounce(app, announce)
    mountControl(app, config, { control })
    return app
  }

  async function closeParts(app: HttpApp | undefined): Promise<void> {
    await control.close()
    await Promise.all([app && closeHttpApp(app, CLOSE_GRACE_MS), announce.close()])
    await leases.close()
    await catalogue.close()
  }

  try {
    const { app, port } = await listen(config, buildApp, announce)
    const url = `http://${bracketed(advertisedHost(config.host))}:${port}`
    const announceUrls = config.announceUrls ?? announceUrlsOf(url)
    let closing: Promise<void> | undefined
    const close = () => {
      closing ??= closeParts(app)
      return closing
    }
    return { name: 'tracker', control, port, url, announceUrls, close }
  } catch (err) {
    await closeParts(undefined)
    throw err
  }
}

/** What is unpublished loses its swarm at once. */
function endSwarms(catalogue: Catalogue, announce: Announce): void {
  catalogue.onChange((changes) => {
    for (const change of changes) {
      if (change.type !== 'entry' || change.entry.state === 'published') continue
      announce.forget(change.entry.infoHash)
    }
  })
}

/** Announces are answered before any route is looked at. */
function mountAnnounce(app: HttpApp, announce: Announce): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (announce.handleHttp(request.raw, reply.raw)) reply.hijack()
    else done()
  })
  app.server.on('upgrade', announce.handleUpgrade)
}

/** Binds TCP and UDP to one number; 0 finds a number that is free for both. */
async function listen(
  { host, port }: Pick<TrackerConfig, 'host' | 'port'>,
  buildApp: () => HttpApp,
  announce: Announce
): Promise<{ app: HttpApp; port: number }> {
  for (let tries = 1; ; tries += 1) {
    const app = buildApp()
    try {
      await app.listen({ host, port })
      const bound = (app.server.address() as AddressInfo).port
      return { app, port: await announce.listenUdp(host, bound) }
    } catch (err) {
      await app.close()
      if (port !== 0 || tries === PORT_TRIES) throw err
    }
  }
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
