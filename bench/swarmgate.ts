/**
 * Swarmgate as a user runs it: real processes, and what a bench asks of them.
 *
 * The engine is the default one, or the one that SWARMGATE_SWARM_ENGINE names.
 */
import { execFileSync } from 'node:child_process'
import { openAsBlob } from 'node:fs'
import { type InfoHash, parseInfoHash, shardOf } from '../core/info-hash.ts'
import { ROOT, type Running, start } from '../test/system/process.ts'
import { eventually, type Published, pathOf } from '../test/system/publish.ts'
import { upload } from './curl.ts'
import type { BenchOwner } from './owner.ts'

export type Settings = Readonly<Record<string, string>>

const { SWARMGATE_SWARM_ENGINE: chosenEngine } = process.env
const USUAL: Settings = {
  SWARMGATE_SWARM_WORKERS: '',
  ...(chosenEngine !== undefined && { SWARMGATE_SWARM_ENGINE: chosenEngine })
}
const SECRET = 'bench-secret'

/** The engine that the benched processes run. */
export function engineName(): string {
  return /^SWARMGATE_SWARM_ENGINE=(.*)$/m.exec(settings())?.[1] ?? 'unknown'
}

/** Whether this version has the setting. */
export function hasSetting(name: string): boolean {
  return new RegExp(`^(# )?${name}\\b`, 'm').test(settings())
}

function settings(): string {
  const env = { PATH: process.env.PATH, ...USUAL }
  return execFileSync(process.execPath, ['main.ts', 'config'], { cwd: ROOT, env }).toString()
}

/** All roles in one process. */
export async function startOneProcess(
  owner: BenchOwner,
  settings: Settings = {}
): Promise<Running> {
  return start(owner, { SWARMGATE_DATA_DIR: await owner.folder(), ...USUAL, ...settings })
}

export interface FleetOptions {
  /** Seeders, each in a zone of its own and holding everything. One. */
  readonly seeders?: number
  /** For every process of the fleet. */
  readonly settings?: Settings
  /** For the seeders alone. */
  readonly seederSettings?: Settings
}

export interface Fleet {
  readonly tracker: Running
  readonly seeders: readonly Running[]
  /** Starts one more gateway with an empty cache, which `owner` ends. */
  gateway(owner: BenchOwner, settings?: Settings): Promise<Running>
  /** Ends the only seeder and starts it again on its data: everything it holds is asleep then. */
  restartSeeder(): Promise<void>
}

/** A tracker and seeders apart; gateways as asked for. */
export async function startFleet(owner: BenchOwner, options: FleetOptions = {}): Promise<Fleet> {
  const { seeders: count = 1, settings, seederSettings } = options
  const replicas = { SWARMGATE_REPLICAS: String(count) }
  const shared = { SWARMGATE_CLUSTER_SECRET: SECRET, ...USUAL, ...replicas, ...settings }
  const data = async (owner: BenchOwner) => ({ SWARMGATE_DATA_DIR: await owner.folder() })
  const tracker = await start(owner, { ...shared, ...(await data(owner)) }, 'tracker')
  const fleet = { ...shared, SWARMGATE_TRACKER_URL: tracker.addresses.tracker ?? '' }
  const seeders = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const own = { ...(await data(owner)), SWARMGATE_ZONE: `zone-${index}` }
      const all = { ...fleet, ...own, ...seederSettings }
      return { all, running: await start(owner, all, 'seeder') }
    })
  )
  return {
    tracker,
    get seeders() {
      return seeders.map(({ running }) => running)
    },
    gateway: async (owner, settings) =>
      start(owner, { ...fleet, ...(await data(owner)), ...settings }, 'gateway'),
    async restartSeeder() {
      const [only] = seeders
      if (only === undefined) return
      await only.running.stop()
      only.running = await start(owner, only.all, 'seeder')
    }
  }
}

/** Publishes a file and waits for its copies. A gateway that knows of no seeder yet is asked again. */
export async function publishFile(
  gateway: Running,
  file: string,
  name: string,
  copies = 1
): Promise<{ readonly infoHash: InfoHash; readonly path: string }> {
  const base = gateway.addresses.gateway as string
  const published = await eventually(async (): Promise<Published | undefined> => {
    const body = await openAsBlob(file)
    const response = await fetch(`${base}/v1/files/${name}`, { method: 'PUT', body })
    const text = await response.text()
    if (response.status === 503) return undefined
    if (!response.ok) throw new Error(`publishing ${name}: ${response.status} ${text}`)
    return JSON.parse(text)
  })
  const infoHash = parseInfoHash(published.infoHash)
  if (infoHash === undefined) throw new Error(`no infohash: ${published.infoHash}`)
  await eventually(async () => {
    const known = (await (await fetch(`${base}/v1/torrents/${infoHash}`)).json()) as Published
    return known.replicas.ready >= copies ? true : undefined
  })
  return { infoHash, path: pathOf(published) }
}

/** Publishes without keeping what was answered, for its speed. */
export async function timedPublish(gateway: Running, file: string, name: string): Promise<number> {
  return (await upload(file, `${gateway.addresses.gateway}/v1/files/${name}`)).rate
}

/** Where a node takes peers of a torrent. */
export function wireAddress({ addresses }: Running, infoHash: InfoHash): string {
  const wire = addresses.wire ?? []
  const address = wire[shardOf(infoHash, wire.length)]
  if (address === undefined) throw new Error('the node has no wire')
  return address
}

export function pidOf({ process }: Running): number {
  if (process.pid === undefined) throw new Error('the process was not started')
  return process.pid
}
