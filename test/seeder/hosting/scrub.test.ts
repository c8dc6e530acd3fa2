import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createDescriptors } from '../../../lib/store/descriptors.ts'
import { createDiskJobs } from '../../../lib/store/disk-jobs.ts'
import { openLibrary } from '../../../lib/store/library.ts'
import { startScrub } from '../../../seeder/hosting/scrub.ts'
import { deliver, type SampleTorrent, sampleTorrent } from '../../fakes/sample-torrent.ts'
import { silentLog as log } from '../../fakes/silent-log.ts'
import { testFolder } from '../../fakes/test-folder.ts'

const PIECE = 16 * 1024
const CONFIG = { firstMs: 1, everyMs: 1, bytesPerSecond: 1000, bytesPerTorrent: 5000 }
const LATER = new AbortController().signal

/** A library with complete torrents, and a clock that moves when the test lets a wait end. */
async function setup(t: Test, count = 1) {
  const folder = testFolder(t)
  const descriptors = createDescriptors({ max: 4 })
  const disk = createDiskJobs()
  const library = await openLibrary({ folder }, { descriptors, jobs: disk, log })
  const torrents: SampleTorrent[] = []
  for (let k = 0; k < count; k++) {
    const torrent = sampleTorrent({ size: 3 * PIECE, pieceLength: PIECE })
    const store = await library.create(torrent.metainfo)
    for (const index of [0, 1, 2]) await deliver(store, index, torrent.piece(index), descriptors)
    await store.flush()
    await store.close()
    torrents.push(torrent)
  }
  const waits: number[] = []
  const mended: [string, number][] = []
  const begun = Promise.withResolvers<void>()
  const passed = Promise.withResolvers<void>()
  const scrub = startScrub(CONFIG, {
    library,
    node: { mend: (infoHash, index) => void mended.push([infoHash, index]) },
    disk,
    log,
    startAt: () => 0,
    async sleep(ms, signal) {
      waits.push(ms)
      if (waits.length === 1) return begun.promise
      if (ms !== CONFIG.everyMs) return
      passed.resolve()
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason))
      })
    }
  })
  /** Lets one pass run. */
  const pass = () => {
    begun.resolve()
    return passed.promise
  }
  t.teardown(async () => {
    await scrub.close()
    await library.close()
    await descriptors.close()
  })
  const fileOf = ({ metainfo: { infoHash } }: SampleTorrent) =>
    join(folder, 'library', infoHash.slice(0, 2), infoHash, 'files', '0')
  return { library, torrents, waits, mended, pass, fileOf }
}

/** Other bytes at the start; size and name stay. */
function rot(file: string): void {
  writeFileSync(file, 'rot', { flag: 'r+', flush: true })
}

t.test('what is right stays, and is read at the rate it should be', async (t) => {
  const { library, torrents, waits, mended, pass } = await setup(t)
  await pass()
  t.same(mended, [])
  t.ok(library.complete((torrents[0] as SampleTorrent).metainfo.infoHash))
  t.same(waits.slice(1, -1), [5000, ...Array(3).fill(PIECE)], 'a thousand bytes a second')
})

t.test('rot in a file that is open and proven is found, withdrawn and mended', async (t) => {
  const { library, torrents, mended, pass, fileOf } = await setup(t)
  const torrent = torrents[0] as SampleTorrent
  const { infoHash } = torrent.metainfo
  const store = await library.open(infoHash)
  for (const index of [0, 1, 2]) t.ok(await store?.prove(index, LATER))
  const incomplete = new Promise((resolve) => library.onIncomplete(resolve))
  rot(fileOf(torrent))
  await pass()
  t.same(mended, [[infoHash, 0]])
  t.notOk(store?.has(0))
  t.same(
    store?.provenPrefix({ start: PIECE, end: 3 * PIECE }),
    { start: PIECE, end: PIECE },
    'the rest is hashed again before it is read'
  )
  t.ok(await store?.prove(1, LATER))
  await store?.flush()
  t.equal(await incomplete, infoHash, 'nobody counts on it any more')
  await store?.close()
})

t.test('a torrent that cannot be read stops no other', async (t) => {
  const { library, torrents, mended, pass, fileOf } = await setup(t, 2)
  const [first, second] = torrents as [SampleTorrent, SampleTorrent]
  const { open } = library
  library.open = async (infoHash) => {
    if (infoHash === first.metainfo.infoHash) throw new Error('as the test wants it')
    return open(infoHash)
  }
  const store = await open(second.metainfo.infoHash)
  rot(fileOf(second))
  await pass()
  t.same(mended, [[second.metainfo.infoHash, 0]])
  await store?.close()
})
