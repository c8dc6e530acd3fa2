/**
 * Storms against one engine: random messages, floods, slow readers, connections by the thousand,
 * readers that give up. Afterwards an honest peer is served by the thread that was there at the
 * start, and the thread weighs about what it did.
 *
 * A test file runs it with one line. `SWARMGATE_TEST_SEED` repeats a storm, and
 * `SWARMGATE_TEST_MESSAGES` makes it longer.
 */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createSwarm, type SwarmConfig } from '../../../lib/swarm/swarm.ts'
import { silentLog } from '../../fakes/silent-log.ts'
import { testFolder } from '../../fakes/test-folder.ts'
import { eventually } from '../../system/publish.ts'
import * as storm from './storm-attacks.ts'
import { FLOODS } from './storm-floods.ts'
import { gone, hangUp, openRig, type StormRig, serves, type Weight } from './storm-rig.ts'
import { listen, verified } from './swarm-events.ts'
import { EVERYTHING, makeContent, makeFolder, NOTHING } from './torrent-folder.ts'

const MiB = 2 ** 20
const SEED = Number(process.env.SWARMGATE_TEST_SEED ?? 20261122)
const MESSAGES = Number(process.env.SWARMGATE_TEST_MESSAGES ?? 100_000)
const PATIENCE_MS = 600_000

/** What a thread may weigh more after a storm: bounded caches, and chance. */
const SLACK = { heap: 8 * MiB, external: 16 * MiB, descriptors: 4 } as const
/** What it may hold while peers do not read what they asked for. */
const HELD = 96 * MiB

/** Runs the storms against an engine. */
export async function stormSuite(engine: SwarmConfig['engine']): Promise<void> {
  t.setTimeout(2 * PATIENCE_MS)
  const folder = testFolder(t as Test)
  const rig = await openRig(t, folder, engine)
  const storms = (name: string, run: (t: Test) => Promise<void>) =>
    t.test(name, { timeout: PATIENCE_MS }, async (t) => {
      await run(t)
      t.ok(await serves(rig), 'an honest peer is served')
      t.ok(rig.alive, 'the thread is the one it was')
      t.same(rig.errors, [])
    })

  // What a thread keeps once it has seen some of everything is no leak.
  await storm.randomStorm(rig, SEED - 1_000_000, 5000)
  const before = await rig.weigh()

  storms(`${MESSAGES} random messages (seed ${SEED})`, async (t) => {
    const connections = await storm.randomStorm(rig, SEED, MESSAGES)
    t.comment(`over ${connections} connections`)
    await weighsAsMuch(t, rig, before)
  })

  storms(`hostile answers to 200 discoveries (seed ${SEED})`, async (t) => {
    await storm.hostileAnswers(rig, SEED, 200)
    await weighsAsMuch(t, rig, before)
  })

  storms('peers that send wrong blocks among one that does not', async (t) => {
    t.ok(await storm.fetchAmongLiars(rig, join(folder, 'liars'), SEED), 'every byte is right')
  })

  storms('floods of what is right', async (t) => {
    for (const flood of FLOODS) {
      const socket = await storm.flood(rig, flood)
      t.ok(await serves(rig), `${flood.name}: others are served meanwhile`)
      if (flood.reads) await gone(socket)
      await hangUp([socket])
    }
    await weighsAsMuch(t, rig, before)
  })

  storms('40 peers that ask for 250 blocks each and read none', async (t) => {
    const sockets = await storm.slowReaders(rig, 40, 250)
    t.equal(sockets.length, 40, 'all are let in')
    t.ok(await serves(rig), 'others are served meanwhile')
    const { heap, external } = await rig.weigh()
    t.ok(heap + external < before.heap + before.external + HELD, 'what waits is bounded')
    await hangUp(sockets)
    await weighsAsMuch(t, rig, before)
  })

  storms('300 connections that never come to a torrent', async (t) => {
    const sockets = await storm.halfOpen(rig, 300)
    // The first try may come while every one of them still has its time for a handshake.
    t.ok(await eventually(() => serves(rig).catch(() => undefined)), 'others are served meanwhile')
    await Promise.all(sockets.map(gone))
    t.pass('the engine closes them')
    await weighsAsMuch(t, rig, before)
  })

  storms('2000 connections', async (t) => {
    const sockets = await storm.crowd(rig, 2000)
    await fetchesFromOurOwn(t, rig, engine, join(folder, 'own'))
    await hangUp(sockets)
    await weighsAsMuch(t, rig, before)
  })

  storms('1000 readers that give up on a dead swarm', async (t) => {
    const dead = await storm.deadSwarm(rig, folder)
    for (let count = 0; count < 100; count++) await dead.giveUp()
    for (let count = 0; count < 20; count++) await dead.forget()
    const warm = await rig.weigh()
    for (let count = 0; count < 1000; count++) await dead.giveUp()
    for (let count = 0; count < 200; count++) await dead.forget()
    await weighsAsMuch(t, rig, warm)
    await dead.close()
    await weighsAsMuch(t, rig, before)
  })
}

/** Our own seeder is dialled and fetched from, whoever else is connected. */
async function fetchesFromOurOwn(
  t: Test,
  { swarm }: StormRig,
  engine: SwarmConfig['engine'],
  folder: string
): Promise<void> {
  const config = { engine, wireHost: '127.0.0.1', wirePort: 0, workers: 1 }
  const giver = await createSwarm(config, { log: silentLog })
  const content = makeContent('our own', 8)
  const full = await makeFolder(content, join(folder, 'full'), { full: true })
  const empty = await makeFolder(content, join(folder, 'empty'), { full: false })
  giver.join(full.torrent(NOTHING))
  const events = listen(swarm, content.infoHash)
  const seeder = { host: '127.0.0.1', port: giver.ports[0] ?? 0, class: 'seeder' as const }
  swarm.join(empty.torrent(EVERYTHING, [seeder]))
  await verified(events, [0, 1, 2, 3, 4, 5, 6, 7])
  t.pass('our own seeder is reached meanwhile')
  await swarm.leave(content.infoHash)
  await giver.close()
}

/** Weighs until what was closed is gone, or for so long that it will not. */
async function weighsAsMuch(t: Test, rig: StormRig, before: Weight): Promise<void> {
  const parts = ['heap', 'external', 'descriptors'] as const
  let now = await rig.weigh()
  for (
    let more = 0;
    more < 20 && parts.some((part) => now[part] > before[part] + SLACK[part]);
    more++
  ) {
    await delay(500)
    now = await rig.weigh()
  }
  for (const part of parts) {
    t.ok(now[part] <= before[part] + SLACK[part], `${part}: ${now[part]} after ${before[part]}`)
  }
}
