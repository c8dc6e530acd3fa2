/** A gateway that has nothing yet, and what it takes from the swarm. */
import { join } from 'node:path'
import type { Test } from 'tap'
import { type Apart, SECRET } from './fleet.ts'
import { type Running, start } from './process.ts'
import { eventually } from './publish.ts'

export interface FreshGateway {
  readonly url: string
  readonly process: Running
  /** Payload bytes that came over the wire, once they are as many again as a moment before. */
  fetched(): Promise<number>
  /** Content bytes that were read for responses. */
  answered(): Promise<number>
}

/** Joins a fleet. @param folder empty, for its cache */
export async function freshGateway(t: Test, fleet: Apart, folder: string): Promise<FreshGateway> {
  const settings = {
    SWARMGATE_CLUSTER_SECRET: SECRET,
    SWARMGATE_TRACKER_URL: fleet.tracker,
    SWARMGATE_DATA_DIR: join(folder)
  }
  const process = await start(t, settings, 'gateway')
  const sum = (name: string) => sumOf(process, name)
  const answered = () => sum('swarmgate_http_response_bytes_total{')

  async function fetched(): Promise<number> {
    let last = { bytes: -1, rounds: 0 }
    return eventually(async () => {
      const bytes = await sum('swarmgate_swarm_bytes_total{direction="download"')
      last = { bytes, rounds: bytes === last.bytes ? last.rounds + 1 : 0 }
      return last.rounds >= SETTLED_ROUNDS && bytes > 0 ? bytes : undefined
    })
  }

  return { url: process.addresses.gateway ?? '', process, fetched, answered }
}

/** Longer, at 50 ms each, than the counters lag behind. */
const SETTLED_ROUNDS = 60

/** The sum of the samples that begin with `start`. */
async function sumOf({ addresses }: Running, start: string): Promise<number> {
  const metrics = await (await fetch(`${addresses.admin}/metrics`)).text()
  const lines = metrics.split('\n').filter((line) => line.startsWith(start))
  return lines.reduce((sum, line) => sum + Number(/ (\d+)$/.exec(line)?.[1]), 0)
}
