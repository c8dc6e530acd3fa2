/**
 * Swarmgate: tracker, seeder and gateway in one program.
 *
 * The only file that knows all three roles. `main.ts` runs them in one process, `main.ts ROLE`
 * one of them; the same interfaces then run over HTTP. Everything is closed in reverse order.
 * The code of a role is loaded only where it runs: the others would be memory for nothing.
 */
import './lib/process/thread-pool.ts'
import { checkMode, gatewaySettings } from './gateway/config.ts'
import type { GatewayDeps } from './gateway/gateway.ts'
import { configMarkdown, configText } from './lib/config/document.ts'
import { ConfigError, type Configs, loadConfig } from './lib/config/load.ts'
import { withDefault } from './lib/config/setting.ts'
import { announceUrlsOf } from './lib/control/announce-urls.ts'
import { createControlClient } from './lib/control/client.ts'
import type { Replica } from './lib/control/replica.ts'
import { createAdmin } from './lib/http/admin.ts'
import { measureEventLoopDelay } from './lib/metrics/event-loop-delay.ts'
import { createMetrics } from './lib/metrics/metrics.ts'
import { nodeSettings } from './lib/node/config.ts'
import { roleFolder } from './lib/node/role-folder.ts'
import { processSettings } from './lib/process/config.ts'
import { lockFolder } from './lib/process/lock-file.ts'
import { createLogger } from './lib/process/logger.ts'
import type { Log } from './lib/process/service.ts'
import { createServices, type Services } from './lib/process/services.ts'
import { closeOnSignals } from './lib/process/shutdown.ts'
import { boundYoungGeneration } from './lib/process/young-generation.ts'
import { swarmSettings } from './lib/swarm/config.ts'
import { seederSettings } from './seeder/config.ts'
import type { SeederDeps } from './seeder/seeder.ts'
import { trackerSettings } from './tracker/config.ts'

const ROLES = ['tracker', 'seeder', 'gateway'] as const
type RoleName = (typeof ROLES)[number]

const USAGE = `Usage: node main.ts [tracker | seeder | gateway]   run one role, or all in one process
       node main.ts config [--markdown]           print every setting, its value and its default

Settings are environment variables: see docs/configuration.md.
`

/** A starting node waits this long for the tracker's changes before it serves what it knows. */
const CATCH_UP_MS = 5000

const groups = {
  process: processSettings,
  tracker: trackerSettings,
  seeder: seederSettings,
  gateway: gatewaySettings,
  node: nodeSettings,
  swarm: swarmSettings
}
type Config = Configs<typeof groups>

await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<void> {
  const [command, option] = args
  if (command === 'config') {
    const text = option === '--markdown' ? configMarkdown(groups) : configText(groups)
    process.stdout.write(text)
  } else if (command === undefined || isRole(command)) {
    await run(command === undefined ? ROLES : [command])
  } else if (command === '--help' || command === '-h') {
    process.stdout.write(USAGE)
  } else {
    process.stderr.write(`swarmgate: no command is named ${command}; try --help\n`)
    process.exitCode = 2
  }
}

function isRole(text: string): text is RoleName {
  return ROLES.some((role) => role === text)
}

/** Opens the roles; a start that fails closes what it opened and ends with one line. */
async function run(roles: readonly RoleName[]): Promise<void> {
  const config = readConfig(roles)
  const role = roles.length > 1 ? 'all' : roles[0]
  const log = createLogger({ level: config.process.logLevel, ...(role && { role }) })
  const services = createServices(log)
  let stopping = false
  closeOnSignals(() => {
    stopping = true
    return services.close()
  }, log)
  try {
    await open(roles, config, services, log)
  } catch (err) {
    // What was closed under its feet did not fail.
    if (stopping) return
    log.debug({ err }, 'start failed')
    await services.close()
    fail(err)
  }
}

function readConfig(roles: readonly RoleName[]): Config {
  try {
    const config = loadConfig(withRoleDefaults(roles))
    if (roles.length === 1 && config.process.clusterSecret === undefined) {
      throw new ConfigError(
        'SWARMGATE_CLUSTER_SECRET',
        'must be set when a role runs apart: the same long random text for every role'
      )
    }
    if (roles.includes('gateway')) checkMode(config.gateway.mode, config.tracker.access)
    return config
  } catch (err) {
    return fail(err)
  }
}

/** Roles that run apart on one machine with default settings do not collide. */
function withRoleDefaults(roles: readonly RoleName[]): typeof groups {
  const [only] = roles
  if (roles.length > 1 || only === 'tracker' || only === undefined) return groups
  const admin = only === 'seeder' ? '9481' : '9482'
  const adminPort = withDefault(processSettings.adminPort, admin)
  const wirePort = only === 'gateway' ? '6981' : '6881'
  return {
    ...groups,
    process: { ...processSettings, adminPort },
    swarm: { ...swarmSettings, wirePort: withDefault(swarmSettings.wirePort, wirePort) }
  }
}

function fail(err: unknown): never {
  process.stderr.write(`swarmgate: ${err instanceof Error ? err.message : err}\n`)
  process.exit(1)
}

async function open(
  roles: readonly RoleName[],
  config: Config,
  services: Services,
  log: Log
): Promise<void> {
  const metrics = createMetrics()
  let ready = false
  let replica: Replica | undefined
  const admin = services.add(
    await createAdmin(
      { host: config.process.adminHost, port: config.process.adminPort },
      { metrics, log, health: () => ({ live: true, ready, detail: detail() }) }
    )
  )
  services.add(measureEventLoopDelay(metrics))
  services.add(boundYoungGeneration())
  for (const role of roles) {
    services.add(await lockFolder(roleFolder(config.process.dataDir, role)))
  }

  const { control, trackerUrl, announceUrls } = await openControl()
  const addresses = roles.some((role) => role !== 'tracker') ? await openRoles() : {}
  ready = true
  const unready = async () => {
    ready = false
  }
  services.add({ name: 'readiness', close: unready })
  const { address, port } = admin.address
  const adminUrl = new URL(`http://${address.includes(':') ? `[${address}]` : address}:${port}`)
  log.info(
    { ...addresses, tracker: trackerUrl, announce: announceUrls, admin: adminUrl.origin },
    'ready'
  )

  /** A node whose feed is interrupted serves its last known state, and says so. */
  function detail() {
    if (replica === undefined) return { roles }
    return { roles, feed: replica.connected ? 'following' : 'interrupted' }
  }

  /** The tracker itself, or a client of the one that runs apart. */
  async function openControl() {
    const { clusterSecret, dataDir } = config.process
    if (roles.includes('tracker')) {
      const { openTracker } = await import('./tracker/tracker.ts')
      const folder = roleFolder(dataDir, 'tracker')
      const tracker = await openTracker(
        { ...config.tracker, folder, clusterSecret },
        { log, metrics, announceKey }
      )
      services.add(tracker)
      return {
        control: tracker.control,
        trackerUrl: tracker.url,
        announceUrls: tracker.announceUrls
      }
    }
    const url = config.node.trackerUrl ?? `http://127.0.0.1:${config.tracker.port}`
    const control = services.add(createControlClient({ url, secret: clusterSecret ?? '' }))
    const announceUrls = config.tracker.announceUrls ?? announceUrlsOf(url)
    return { control, trackerUrl: url, announceUrls }
  }

  /** Shown once, on the terminal and in the log of the tracker: it is stored hashed. */
  function announceKey(key: string): void {
    log.info({ key }, 'first API key, shown only now')
  }

  async function openRoles() {
    const { dataDir, clusterSecret } = config.process
    const isSeeder = roles.includes('seeder')
    const isGateway = roles.includes('gateway')
    const limitBytes = config.gateway.cacheBytes
    const { openNode } = await import('./lib/node/open-node.ts')
    const node = services.add(
      await openNode(
        {
          roles: roles.filter((role) => role !== 'tracker'),
          seederFolder: isSeeder ? roleFolder(dataDir, 'seeder') : undefined,
          cache: isGateway ? { folder: roleFolder(dataDir, 'gateway'), limitBytes } : undefined,
          swarm: {
            ...config.swarm,
            access: config.tracker.access === 'fleet' ? 'fleet' : 'open'
          },
          clusterSecret,
          announceUrls: config.tracker.access === 'fleet' ? [] : announceUrls
        },
        { control, metrics, log }
      )
    )
    replica = node.replica
    await catchUp(replica.caughtUp, log)

    const { library, disk } = node
    const apart = isGateway || clusterSecret === undefined ? {} : { apart: { clusterSecret } }
    const shared = { node, replica, control, announceUrls, metrics, log }
    const seeder = library && (await openSeederRole({ ...shared, ...apart, library, disk }))
    const gateway = isGateway ? await openGatewayRole(shared, seeder?.routes) : undefined
    if (gateway !== undefined && !gateway.wantsKey && config.gateway.apiKeys === undefined) {
      log.info(
        'no key is set: programs on this machine may publish; behind a proxy set SWARMGATE_API_KEYS'
      )
    }
    node.enlist({
      wire: node.wire,
      ingestUrl: seeder?.ingestUrl ?? null,
      zone: config.seeder.zone,
      capacityBytes: config.seeder.capacityBytes,
      wantsKey: gateway?.wantsKey ?? false
    })
    return { gateway: gateway?.url, ingest: seeder?.ingestUrl ?? undefined, wire: node.wire }
  }

  async function openSeederRole(deps: SeederDeps) {
    const { openSeeder } = await import('./seeder/seeder.ts')
    return services.add(await openSeeder(config.seeder, deps))
  }

  /** @param uploads the seeder's own routes; undefined: uploads are forwarded to a seeder */
  async function openGatewayRole(
    deps: Omit<GatewayDeps, 'uploads'>,
    uploads: GatewayDeps['uploads'] | undefined
  ) {
    const { openGateway } = await import('./gateway/gateway.ts')
    const { forwardRoutes } = await import('./gateway/publish/forward-routes.ts')
    const clusterSecret = config.process.clusterSecret ?? ''
    const forwarded = () => forwardRoutes({ ...deps, clusterSecret })
    return services.add(
      await openGateway(config.gateway, { ...deps, uploads: uploads ?? forwarded() })
    )
  }
}

async function catchUp(caughtUp: (signal: AbortSignal) => Promise<void>, log: Log): Promise<void> {
  const limit = AbortSignal.timeout(CATCH_UP_MS)
  await caughtUp(limit).catch(() => {
    log.warn({ waitedMs: CATCH_UP_MS }, 'the tracker does not answer: serving the last known state')
  })
}
