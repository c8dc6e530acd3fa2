import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openCache } from '../../../lib/store/cache.ts'
import { createDescriptors } from '../../../lib/store/descriptors.ts'
import { openLibrary } from '../../../lib/store/library.ts'
import { PieceBits } from '../../../lib/store/piece-bits.ts'
import { deliver, sampleTorrent } from '../../fakes/sample-torrent.ts'
import { silentLog as log } from '../../fakes/silent-log.ts'
import { testFolder } from '../../fakes/test-folder.ts'

const PIECE = 16 * 1024
const LATER = new AbortController().signal
const FILES = [PIECE + 1, 0, 2 * PIECE, 77]

/** A cache that has the pieces 0, 2 and 3 of a folder, beside an empty library. */
async function setup(t: Test) {
  const folder = testFolder(t)
  const torrent = sampleTorrent({
    size: FILES.reduce((a, b) => a + b, 0),
    pieceLength: PIECE,
    files: FILES
  })
  const descriptors = createDescriptors({ max: 4 })
  const library = await openLibrary({ folder: join(folder, 'seeder') }, { descriptors, log })
  const cache = await openCache(
    { folder: join(folder, 'gateway'), limitBytes: 2 ** 30 },
    { descriptors, log, evict: async () => {} }
  )
  t.teardown(async () => {
    await cache.close()
    await library.close()
    await descriptors.close()
  })
  const cached = await cache.open(torrent.metainfo)
  using _pin = await cached.pin({ start: 0, end: torrent.bytes.length }, LATER)
  for (const index of [0, 2, 3]) await deliver(cached, index, torrent.piece(index), descriptors)
  const adopt = (signal = LATER) =>
    library.adopt(torrent.metainfo, cached.shared, undefined, signal)
  return { torrent, descriptors, library, cached, adopt }
}

t.test('what the cache has is proven in the library, the rest is missing', async (t) => {
  const { torrent, adopt } = await setup(t)
  const store = await adopt()
  const bits = PieceBits.of(store.shared)
  t.same(
    [0, 1, 2, 3].map((index) => bits.isProven(index)),
    [true, false, true, true]
  )
  const span = { start: 2 * PIECE, end: torrent.bytes.length }
  const target = Buffer.alloc(span.end - span.start)
  await store.read(span, target, LATER)
  t.ok(target.equals(torrent.bytes.subarray(span.start)))
  await store.close()
})

t.test('adopting again brings what came meanwhile, and makes it complete', async (t) => {
  const { torrent, descriptors, library, cached, adopt } = await setup(t)
  const { infoHash } = torrent.metainfo
  const first = await adopt()
  await deliver(cached, 1, torrent.piece(1), descriptors)
  const completed = new Promise((resolve) => library.onComplete(resolve))
  const second = await adopt()
  t.equal(await completed, infoHash)
  t.ok(second.complete)
  await first.close()
  await second.close()
})

t.test('a piece whose bytes are wrong by now is left out', async (t) => {
  const { cached, adopt } = await setup(t)
  const extent = join(cached.shared.layout.folder, '0')
  writeFileSync(extent, 'not these', { flag: 'r+' })
  const store = await adopt()
  t.notOk(store.has(0))
  t.ok(store.has(2))
  await store.close()
})

t.test('so is a piece whose extent has gone', async (t) => {
  const { cached, adopt } = await setup(t)
  truncateSync(join(cached.shared.layout.folder, '0'), 2 * PIECE)
  const store = await adopt()
  t.same(
    [0, 2].map((index) => store.has(index)),
    [true, false]
  )
  await store.close()
})

t.test('whoever gives up meanwhile leaves an open library that closes', async (t) => {
  const { library, torrent, adopt } = await setup(t)
  await t.rejects(adopt(AbortSignal.abort(new Error('enough'))), { message: 'enough' })
  t.notOk(library.has(torrent.metainfo.infoHash), 'nothing is made for nobody')
})
