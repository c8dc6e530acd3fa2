/**
 * The seeder: takes uploads in, keeps this node's share of the fleet's content.
 *
 * In one process its routes are mounted on the gateway; apart it listens itself and believes only
 * what a gateway has signed with the cluster secret. It needs a node with a library and leaves to
 * it the swarm, the registration and the reports.
 */
import type { AddressInfo } from 'node:net'
import { AppError } from '../core/errors.ts'
import { ADMISSION_HEADER, verifyAdmission } from '../lib/api/admission.ts'
import { createTorrentPresenter } from '../lib/api/torrent-presenter.ts'
import type { Control } from '../lib/control/control.ts'
import type { Replica } from '../lib/control/replica.ts'
import { closeHttpApp, createHttpApp } from '../lib/http/app.ts'
import type { Metrics } from '../lib/metrics/metrics.ts'
import { advertisedHost } from '../lib/node/advertise.ts'
import type { Node } from '../lib/node/node.ts'
import type { Log, Service } from '../lib/process/service.ts'
import type { DiskJobs } from '../lib/store/disk-jobs.ts'
import type { Library } from '../lib/store/library.ts'
import type { SeederConfig } from './config.ts'
import { HOSTING_DEFAULTS, startHosting } from './hosting/hosting.ts'
import { createIngest } from './ingest/ingest.ts'
import { type Admit, type IngestRoutes, ingestRoutes } from './ingest/routes.ts'
import { createIngestMetrics } from './metrics.ts'
import { createPublisher } from './publisher.ts'

export interface SeederDeps {
  readonly node: Pick<Node, 'id' | 'share' | 'host' | 'drop' | 'mend' | 'statsOf'>
  readonly library: Library
  readonly replica: Pick<Replica, 'entry' | 'apply' | 'caughtUp' | 'on' | 'holders' | 'nodes'>
  readonly control: Pick<Control, 'commit' | 'assignments'>
  /** The same that the library has. */
  readonly disk: DiskJobs
  /** What goes into magnets. */
  readonly announceUrls: readonly string[]
  /** The cluster secret when the seeder runs apart: then it listens on its own port. */
  readonly apart?: { readonly clusterSecret: string }
  readonly metrics: Metrics
  readonly log: Log
}

export interface Seeder extends Service {
  /** For the gateway in the same process. */
  readonly routes: IngestRoutes
  /** Base URL that gateways are told; null when it does not listen itself. */
  readonly ingestUrl: string | null
}

/** Responses that run when the process ends get this long. */
const GRACE_MS = 30_000

export async function openSeeder(config: SeederConfig, deps: SeederDeps): Promise<Seeder> {
  const { library, disk, apart, log } = deps
  const publisher = createPublisher({ ...deps, onUnanswered: () => hosting.checkSoon() })
  const metrics = createIngestMetrics(deps.metrics)
  const ingest = createIngest(config, { library, disk, publisher, metrics, log })
  const hosting = startHosting(HOSTING_DEFAULTS, { ...deps, publisher })
  const present = createTorrentPresenter({ ...deps, statsOf: deps.node.statsOf })
  const routes = ingestRoutes({
    ingest,
    present: (entry, { baseUrl }) => present(entry, baseUrl)
  })

  async function closeParts(): Promise<void> {
    await hosting.close()
    await ingest.close()
    await publisher.close()
  }

  try {
    const listener = apart && (await listen(config, routes, apart.clusterSecret, log))
    return {
      name: 'seeder',
      routes,
      ingestUrl: listener?.url ?? null,
      async close() {
        await listener?.close()
        await closeParts()
      }
    }
  } catch (err) {
    await closeParts()
    throw err
  }
}

async function listen(config: SeederConfig, routes: IngestRoutes, secret: string, log: Log) {
  const app = createHttpApp({ log })
  app.register(async (scope) => routes(scope, admitSigned(secret)))
  await app.listen({ host: config.host, port: config.port })
  const { port } = app.server.address() as AddressInfo
  const host = advertisedHost(config.host)
  const bound = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  return { url: config.advertiseUrl ?? bound, close: () => closeHttpApp(app, GRACE_MS) }
}

function admitSigned(secret: string): Admit {
  return async ({ headers }) => {
    const header = headers[ADMISSION_HEADER]
    const admission = verifyAdmission(secret, typeof header === 'string' ? header : undefined)
    if (admission !== undefined) return admission
    throw new AppError('KEY_REQUIRED', 'uploads come through a gateway of this fleet')
  }
}
