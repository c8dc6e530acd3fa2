/**
 * Opens everything a node consists of, in order, and closes it in reverse.
 *
 * Folders: `{home}` has the node's id and its view of the fleet. It is the seeder's folder where
 * there is a seeder, so that a library and the id it is known by stay together when an
 * installation is split later.
 */
import { randomBytes } from 'node:crypto'
import type { Control, NodeId, Role } from '../control/control.ts'
import { openReplica } from '../control/replica.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Log } from '../process/service.ts'
import { createServices } from '../process/services.ts'
import { openCache } from '../store/cache.ts'
import { createDescriptors } from '../store/descriptors.ts'
import { createDiskJobs, type DiskJobs } from '../store/disk-jobs.ts'
import { watchDiskSpace } from '../store/disk-space.ts'
import { openLibrary } from '../store/library.ts'
import { formatAddress } from '../swarm/address.ts'
import { createSwarm, type SwarmConfig } from '../swarm/swarm.ts'
import { TOKEN_BYTES } from '../swarm/webrtc/preamble.ts'
import { advertisedHost } from './advertise.ts'
import { declareCacheMetrics } from './cache-metrics.ts'
import { openDiscovery } from './discovery.ts'
import { createNode, type Node } from './node.ts'
import { loadNodeId } from './node-id.ts'

export interface NodeConfig {
  readonly roles: readonly Role[]
  /** Folder of the seeder role, if the process has it. */
  readonly seederFolder: string | undefined
  /** Folder and bound of the gateway role's cache, if the process has it. */
  readonly cache: { readonly folder: string; readonly limitBytes: number } | undefined
  readonly swarm: Omit<SwarmConfig, 'fleet' | 'relayToken'> & {
    readonly iceServers?: readonly string[] | undefined
    readonly dht?: boolean
  }
  /** With it the node proves itself to the others of its fleet. */
  readonly clusterSecret?: string | undefined
  /** Where strangers are found; empty where only the fleet takes part. */
  readonly announceUrls: readonly string[]
}

export interface OpenNode extends Node {
  /** Addresses of the wire that other nodes are told, one per worker. */
  readonly wire: readonly string[]
  readonly disk: DiskJobs
}

/** Open files of the main thread at once; each worker has a pool of its own. */
const MAX_DESCRIPTORS = 512

export async function openNode(
  config: NodeConfig,
  { control, metrics, log }: { control: Control; metrics: Metrics; log: Log }
): Promise<OpenNode> {
  const home = config.seederFolder ?? config.cache?.folder
  if (home === undefined) throw new Error('a node needs the role of a seeder or of a gateway')
  const services = createServices(log)
  try {
    const id = await loadNodeId(home)
    const descriptors = services.add(
      Object.assign(createDescriptors({ max: MAX_DESCRIPTORS }), { name: 'descriptors' })
    )
    const disk = createDiskJobs()
    // Only our own engine takes browsers' connections from the process that holds them.
    const relayToken = config.swarm.engine === 'wire' ? randomBytes(TOKEN_BYTES) : undefined
    const swarm = services.add(
      await createSwarm(
        { ...config.swarm, fleet: fleetIdentity(id, config), relayToken },
        { log: log.child({ component: 'swarm' }), metrics }
      )
    )
    const watch = async (folder: string) =>
      services.add(await watchDiskSpace({ folder }, { log: log.child({ component: 'disk' }) }))
    const space = await watch(home)
    const storeDeps = { descriptors, jobs: disk, log: log.child({ component: 'store' }) }
    const library =
      config.seederFolder === undefined
        ? undefined
        : services.add(await openLibrary({ folder: config.seederFolder }, { ...storeDeps, space }))
    const cache =
      config.cache === undefined
        ? undefined
        : services.add(
            await openCache(config.cache, {
              ...storeDeps,
              space: config.cache.folder === home ? space : await watch(config.cache.folder),
              evict: (infoHash, { first, end }) => swarm.evict(infoHash, first, end)
            })
          )
    const announcer = services.add(
      await openDiscovery(
        { ...config.swarm, relayToken, announceUrls: config.announceUrls },
        { swarm, log }
      )
    )
    const replica = services.add(
      await openReplica({ folder: home }, { control, log: log.child({ component: 'replica' }) })
    )
    const { roles } = config
    const node = services.add(
      createNode({ id, roles, library, cache, space, swarm, announcer, replica, control, log })
    )
    if (cache !== undefined) declareCacheMetrics(metrics, cache)
    return {
      ...node,
      get enlisted() {
        return node.enlisted
      },
      wire: config.swarm.wireAdvertise ?? boundAddresses(config.swarm.wireHost, swarm.ports),
      disk,
      close: services.close
    }
  } catch (err) {
    await services.close()
    throw err
  }
}

/** A seeder that is also a gateway is a seeder to others: it holds what they come for. */
function fleetIdentity(nodeId: NodeId, { clusterSecret: secret, roles }: NodeConfig) {
  if (secret === undefined) return undefined
  return { secret, nodeId, role: roles.includes('seeder') ? 'seeder' : 'gateway' } as const
}

function boundAddresses(host: string, ports: readonly number[]): string[] {
  return ports.map((port) => formatAddress(advertisedHost(host), port))
}
