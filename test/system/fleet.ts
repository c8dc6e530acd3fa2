/**
 * The two ways to run Swarmgate, behind one face: all roles in one process, and one process each.
 *
 * What a test says of one installation it can say of the other; `both` runs it against each.
 */
import type { Test } from 'tap'
import { type Running, start } from './process.ts'
import { eventually, type Published, publish } from './publish.ts'

type Settings = Readonly<Record<string, string>>
type RoleName = 'tracker' | 'seeder' | 'gateway'

export interface Installation {
  /** Base URL of the gateway. */
  readonly gateway: string
  /** Base URL of the tracker. */
  readonly tracker: string
  /** The process that holds what is published. */
  readonly seeder: Running
  /** The process that answers on `gateway`. */
  readonly front: Running
  readonly processes: readonly Running[]
  /** The seeder's part of the data folder. */
  readonly seederFolder: string
  /** Starts a gateway apart that joins this installation, with nothing in its cache. */
  readonly anotherGateway: (() => Promise<Running>) | undefined
}

export interface Place {
  readonly where: string
  readonly install: (t: Test, data: string, settings?: Settings) => Promise<Installation>
}

export const SECRET = 'a-secret-of-the-test'

/** All roles in one process. @param data an empty folder */
export async function together(t: Test, data: string, settings: Settings = {}) {
  const all = await start(t, { ...settings, SWARMGATE_DATA_DIR: data })
  return installation({ tracker: all, seeder: all, gateway: all }, data)
}

/** An installation whose parts can die one by one. */
export interface Apart extends Installation {
  /** `kill -9`. */
  kill(role: RoleName): Promise<void>
  /** `kill -9`, then a new process on the same data. */
  restart(role: RoleName): Promise<Running>
}

/** One process for each role, which share a secret and the network. @param data an empty folder */
export async function apart(t: Test, data: string, settings: Settings = {}): Promise<Apart> {
  const shared = { ...settings, SWARMGATE_CLUSTER_SECRET: SECRET, SWARMGATE_DATA_DIR: data }
  const tracker = await start(t, shared, 'tracker')
  const fleet = { ...shared, SWARMGATE_TRACKER_URL: tracker.addresses.tracker ?? '' }
  const [seeder, gateway] = await Promise.all([
    start(t, fleet, 'seeder'),
    start(t, fleet, 'gateway')
  ])
  const another = { ...fleet, SWARMGATE_DATA_DIR: `${data}/another` }
  const roles = { tracker, seeder, gateway }
  return {
    ...installation(roles, data, () => start(t, another, 'gateway')),
    async kill(role) {
      await roles[role].stop('SIGKILL')
    },
    async restart(role) {
      await roles[role].stop('SIGKILL')
      return start(t, fleet, role)
    }
  }
}

export const PLACES: readonly Place[] = [
  { where: 'in one process', install: together },
  { where: 'apart', install: apart }
]

function installation(
  { tracker, seeder, gateway }: Readonly<Record<RoleName, Running>>,
  data: string,
  anotherGateway?: () => Promise<Running>
): Installation {
  return {
    gateway: gateway.addresses.gateway ?? '',
    tracker: tracker.addresses.tracker ?? '',
    seeder,
    front: gateway,
    processes: [...new Set([tracker, seeder, gateway])],
    seederFolder: `${data}/seeder`,
    anotherGateway
  }
}

/** Publishes once the gateway has heard of a seeder. */
export async function publishAt(
  { gateway }: Pick<Installation, 'gateway'>,
  name: string,
  bytes: Uint8Array
): Promise<Published> {
  return eventually(async () => {
    try {
      return await publish(gateway, name, bytes)
    } catch (err) {
      if (String(err).includes('503 ')) return undefined
      throw err
    }
  })
}

/** Payload bytes that a process has sent over the wire to peers that are no node of the fleet. */
export async function sentToStrangers({ addresses }: Running): Promise<number> {
  const metrics = await (await fetch(`${addresses.admin}/metrics`)).text()
  const sample =
    /^swarmgate_swarm_bytes_total\{direction="upload",peer_class="stranger"\} (\d+)/m.exec(metrics)
  return Number(sample?.[1] ?? 0)
}

/** Resolves once a process has sent at least so many bytes to strangers: they came by the wire. */
export async function whenSentToStrangers(process: Running, bytes: number): Promise<number> {
  return eventually(async () => {
    const sent = await sentToStrangers(process)
    return sent >= bytes ? sent : undefined
  })
}
