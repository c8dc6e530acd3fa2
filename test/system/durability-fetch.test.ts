/**
 * `kill -9` of a seeder that fetches what was assigned to it, again and again: what it claims is
 * right, and in the end it has everything. CRASH_ROUNDS=50 is what a release is tried with.
 */
import { join } from 'node:path'
import t from 'tap'
import { parseInfoHash } from '../../core/info-hash.ts'
import { parseInfo } from '../../core/metainfo.ts'
import { libraryLayout } from '../../lib/store/library-torrent.ts'
import { readMetainfo } from '../../lib/store/metainfo-file.ts'
import { torrentFolders } from '../../lib/store/torrent-folders.ts'
import { testFolder } from '../fakes/test-folder.ts'
import { judgeClaims } from '../lib/store/claims-judge.ts'
import { apart, publishAt, SECRET } from './fleet.ts'
import { start } from './process.ts'
import { eventually, noise, type Published } from './publish.ts'

const ROUNDS = Number(process.env.CRASH_ROUNDS ?? 3)
/** So slow that every round falls into the fetching, and so large that it lasts. */
const RATE = 6 * 2 ** 20
const SIZE = 16 * 2 ** 20 * Math.ceil(1 + ROUNDS / 5)

t.setTimeout(600_000 + ROUNDS * 60_000)

t.test('kill -9 of a seeder that fetches leaves nothing wrong', async (t) => {
  const data = testFolder(t)
  const site = await apart(t, data, { SWARMGATE_WIRE_UPLOAD_RATE: String(RATE) })
  const published = await publishAt(site, 'content.bin', noise(SIZE, 17))
  const infoHash = parseInfoHash(published.infoHash)
  if (infoHash === undefined) throw new Error('no infohash')
  const first = torrentFolders(join(data, 'seeder', 'library'))
  const details = await readMetainfo(first.metainfo(infoHash), infoHash)
  if (details === undefined) throw new Error('no metainfo')
  const metainfo = parseInfo(details.info)
  const second = join(data, 'second')
  const settings = {
    SWARMGATE_CLUSTER_SECRET: SECRET,
    SWARMGATE_DATA_DIR: second,
    SWARMGATE_TRACKER_URL: site.tracker
  }

  const library = join(second, 'seeder', 'library')
  for (let round = 0; round < ROUNDS; round++) {
    const seeder = await start(t, settings, 'seeder')
    // Some kills come before the first commit of the ledger (2 s), some after.
    const enough = 1 + ((round * 29) % 80)
    await eventually(async () =>
      (await downloaded(seeder.addresses.admin)) >= enough || (await copies()) === 2
        ? true
        : undefined
    )
    await seeder.stop('SIGKILL')
    const { wrong } = await judgeClaims(library, metainfo, libraryLayout)
    t.same(wrong, [], `round ${round}: no claim without its bytes`)
  }
  await start(t, settings, 'seeder')
  await eventually(async () => ((await copies()) === 2 ? true : undefined))
  const { claimed, wrong } = await judgeClaims(library, metainfo, libraryLayout)
  t.equal(claimed, metainfo.geometry.pieceCount)
  t.same(wrong, [])

  async function copies(): Promise<number | undefined> {
    const status = (await (await fetch(published.links.self)).json()) as Partial<Published>
    return status.replicas?.ready
  }
})

async function downloaded(admin: string): Promise<number> {
  const metrics = await (await fetch(`${admin}/metrics`)).text()
  const sample = /^swarmgate_swarm_pieces_total\{result="verified"\} (\d+)/m.exec(metrics)
  return Number(sample?.[1] ?? 0)
}
