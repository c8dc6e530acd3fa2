/** Swarmgate as a user runs it: real processes, default engine, and what a bench asks of them. */
import { readFile } from 'node:fs/promises'
import { type Running, start } from '../test/system/process.ts'
import { type Published, pathOf } from '../test/system/publish.ts'
import { upload } from './curl.ts'
import type { BenchOwner } from './owner.ts'

/** All roles in one process. */
export async function startOneProcess(owner: BenchOwner): Promise<Running> {
  return start(owner, { SWARMGATE_DATA_DIR: await owner.folder(), ...QUIET })
}

export interface Fleet {
  readonly seeder: Running
  /** Starts one more gateway with an empty cache. */
  gateway(): Promise<Running>
}

/** A tracker and a seeder apart; gateways as asked for. */
export async function startFleet(owner: BenchOwner): Promise<Fleet> {
  const shared = { SWARMGATE_CLUSTER_SECRET: 'bench-secret', ...QUIET }
  const data = async () => ({ SWARMGATE_DATA_DIR: await owner.folder() })
  const tracker = await start(owner, { ...shared, ...(await data()) }, 'tracker')
  const fleet = { ...shared, SWARMGATE_TRACKER_URL: tracker.addresses.tracker as string }
  const seeder = await start(owner, { ...fleet, ...(await data()) }, 'seeder')
  return {
    seeder,
    gateway: async () => start(owner, { ...fleet, ...(await data()) }, 'gateway')
  }
}

const QUIET = { SWARMGATE_SWARM_WORKERS: '' }

/** Publishes a file by `curl -T`; returns the path of its URL on any gateway. */
export async function publishFile(gateway: Running, file: string, name: string): Promise<string> {
  const base = gateway.addresses.gateway as string
  const response = await fetch(`${base}/v1/files/${name}`, {
    method: 'PUT',
    body: new Blob([await readFile(file)])
  })
  if (!response.ok)
    throw new Error(`publishing ${name}: ${response.status} ${await response.text()}`)
  return pathOf((await response.json()) as Published)
}

/** Publishes without keeping what was answered, for its speed. */
export async function timedPublish(gateway: Running, file: string, name: string): Promise<number> {
  return (await upload(file, `${gateway.addresses.gateway}/v1/files/${name}`)).rate
}
