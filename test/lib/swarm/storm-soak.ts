/**
 * A soak: peers of every kind come to one engine and go again for as long as one likes, and what it
 * weighs stays flat.
 *
 * `SWARMGATE_TEST_SOAK_SECONDS` says how long, at least about 80; unset, the test skips. Every sample
 * is printed. The reference engine is too slow for it while it is stormed.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createSwarm, type SwarmConfig } from '../../../lib/swarm/swarm.ts'
import { silentLog } from '../../fakes/silent-log.ts'
import { testFolder } from '../../fakes/test-folder.ts'
import { eventually } from '../../system/publish.ts'
import * as storm from './storm-attacks.ts'
import { FLOODS } from './storm-floods.ts'
import { hangUp, type StormTarget, serves, stormTarget, type Weight } from './storm-rig.ts'
import { makeFolder, NOTHING } from './torrent-folder.ts'

const MiB = 2 ** 20
const SECONDS = Number(process.env.SWARMGATE_TEST_SOAK_SECONDS ?? 0)
const SEED = Number(process.env.SWARMGATE_TEST_SEED ?? 20261122)
const SAMPLES = 40
const ENGINE = new URL('storm-soak-engine.ts', import.meta.url).pathname

/** What the last samples may lie above those of the second quarter. */
const SLACK = { heap: 6 * MiB, external: 8 * MiB, resident: 48 * MiB, descriptors: 8 } as const
const PARTS = ['heap', 'external', 'resident', 'descriptors'] as const

type Sample = Weight & {
  readonly resident: number
  readonly alive: boolean
  readonly errors: readonly string[]
}

/** Runs the soak against an engine. */
export async function soakSuite(engine: SwarmConfig['engine']): Promise<void> {
  const skip = SECONDS === 0 && 'SWARMGATE_TEST_SOAK_SECONDS is not set'
  const timeout = SECONDS * 2000 + 600_000
  t.setTimeout(timeout)
  await t.test(`a soak of ${SECONDS} s (seed ${SEED})`, { skip, timeout }, async (t) => {
    const folder = testFolder(t)
    const child = fork(ENGINE, [engine, join(folder, 'engine')], { stdio: 'inherit' })
    t.teardown(() => end(child))
    const [{ port }] = (await once(child, 'message')) as [{ readonly port: number }]
    const stop = new AbortController()
    const target = stormTarget(port)
    const visitors = [
      again(stop.signal, (at) => storm.randomStorm(target, SEED + at * 10_000, 500)),
      again(stop.signal, (at) => oneFlood(target, at)),
      again(stop.signal, () => visit(target)),
      again(stop.signal, async () => t.ok(await served(target), 'an honest peer is served'))
    ]
    const samples = await sample(
      t,
      child,
      await openGiver(t, target, join(folder, 'giver'), engine)
    )
    stop.abort()
    await Promise.all(visitors)
    staysFlat(t, samples)
  })
}

async function again(signal: AbortSignal, visit: (at: number) => Promise<unknown>): Promise<void> {
  for (let at = 0; !signal.aborted; at++) {
    await visit(at)
    await delay(200)
  }
}

async function oneFlood(target: StormTarget, at: number): Promise<void> {
  const flood = FLOODS[at % FLOODS.length]
  // There may be no place for it just now.
  const socket = flood && (await storm.flood(target, flood).catch(() => undefined))
  if (socket !== undefined) await hangUp([socket])
}

/** Comes again when it finds no place. */
function served(target: StormTarget): Promise<boolean> {
  return eventually(() => serves(target).catch(() => undefined))
}

/** Slow readers, half-open connections and idle ones, all at once. */
async function visit(target: StormTarget): Promise<void> {
  const sockets = await Promise.all([
    storm.slowReaders(target, 10, 100),
    storm.halfOpen(target, 20),
    storm.crowd(target, 100)
  ])
  await hangUp(sockets.flat())
}

/** A seeder of the hungry torrent that joins and leaves. */
async function openGiver(
  t: Test,
  { hungry }: StormTarget,
  folder: string,
  engine: SwarmConfig['engine']
) {
  const config = { engine, wireHost: '127.0.0.1', wirePort: 0, workers: 1 }
  const swarm = await createSwarm(config, { log: silentLog })
  t.teardown(() => swarm.close())
  const full = await makeFolder(hungry, folder, { full: true })
  return async (child: ChildProcess): Promise<void> => {
    swarm.join(full.torrent(NOTHING))
    await ask(child, { churn: swarm.ports[0] ?? 0 })
    await swarm.leave(hungry.infoHash)
  }
}

/** Weighs at even distances, and has the engine fetch and forget a torrent between. */
async function sample(
  t: Test,
  child: ChildProcess,
  churn: (child: ChildProcess) => Promise<void>
): Promise<Sample[]> {
  const samples: Sample[] = []
  for (let at = 0; at < SAMPLES; at++) {
    const next = delay((SECONDS * 1000) / SAMPLES)
    await churn(child)
    await next
    const now = (await ask(child, 'weigh')) as Sample
    t.comment(PARTS.map((part) => `${part} ${now[part]}`).join('  '))
    samples.push(now)
  }
  return samples
}

async function ask(child: ChildProcess, order: 'weigh' | { churn: number }): Promise<unknown> {
  child.send(order)
  const [answer] = await once(child, 'message')
  return answer
}

function staysFlat(t: Test, samples: readonly Sample[]): void {
  const quarter = SAMPLES / 4
  for (const part of PARTS) {
    const early = median(samples.slice(quarter, 2 * quarter).map((one) => one[part]))
    const late = median(samples.slice(-quarter).map((one) => one[part]))
    t.ok(late <= early + SLACK[part], `${part}: ${late} at the end, ${early} before`)
  }
  t.ok(samples.at(-1)?.alive, 'the thread is the one it was')
  t.same(samples.at(-1)?.errors, [])
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}
