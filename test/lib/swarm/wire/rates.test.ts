/** Limits of what a node sends and asks for, kept over the real wire. */
import { join } from 'node:path'
import t from 'tap'
import { createSwarm, type SwarmConfig } from '../../../../lib/swarm/swarm.ts'
import { silentLog } from '../../../fakes/silent-log.ts'
import { testFolder } from '../../../fakes/test-folder.ts'
import { addressOf } from '../engine-suite.ts'
import { listen, verified } from '../swarm-events.ts'
import { EVERYTHING, makeContent, makeFolder, NOTHING } from '../torrent-folder.ts'

const PIECES = 40
/** What may leave at once after a pause, at these rates: 128 KiB on each side. */
const BURST = 2 * 128 * 1024
const RATE = 512 * 1024

/** The seconds that a transfer must take at least under a limit are arithmetic, not speed. */
async function transferSeconds(
  t: Pick<typeof import('tap').default, 'testdir' | 'teardown'>,
  giving: Partial<SwarmConfig>,
  taking: Partial<SwarmConfig>
) {
  const content = makeContent('limited', PIECES)
  const dir = testFolder(t)
  const base = { engine: 'wire', wireHost: '127.0.0.1', wirePort: 0, workers: 1 } as const
  const giver = await createSwarm({ ...base, ...giving }, { log: silentLog })
  const taker = await createSwarm({ ...base, ...taking }, { log: silentLog })
  t.teardown(() => Promise.all([giver.close(), taker.close()]))
  const full = await makeFolder(content, join(dir, 'full'), { full: true })
  const empty = await makeFolder(content, join(dir, 'empty'), { full: false })
  const events = listen(taker, content.infoHash)
  giver.join(full.torrent(NOTHING))
  const startedAt = performance.now()
  taker.join(empty.torrent(EVERYTHING, [addressOf(giver, 'seeder')]))
  await verified(
    events,
    Array.from({ length: PIECES }, (_, index) => index)
  )
  const seconds = (performance.now() - startedAt) / 1000
  return { seconds, least: (content.bytes.length - BURST) / RATE }
}

for (const [name, giving, taking] of [
  ['what a node sends', { uploadRate: RATE }, {}],
  ['what a node sends of one torrent', { torrentUploadRate: RATE }, {}],
  ['what a node asks for', {}, { downloadRate: RATE }]
] as const) {
  t.test(`${name} stays within its limit`, async (t) => {
    const { seconds, least } = await transferSeconds(t, giving, taking)
    t.ok(seconds >= least, `${seconds.toFixed(2)} s, not less than ${least.toFixed(2)} s`)
  })
}
