import { truncate, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openCache } from '../../../lib/store/cache.ts'
import { createDescriptors } from '../../../lib/store/descriptors.ts'
import { openLibrary } from '../../../lib/store/library.ts'
import { provenFile } from '../../../lib/store/library-file.ts'
import { PieceBits } from '../../../lib/store/piece-bits.ts'
import type { PieceStore } from '../../../lib/store/piece-store.ts'
import { deliver, sampleTorrent } from '../../fakes/sample-torrent.ts'
import { silentLog as log } from '../../fakes/silent-log.ts'
import { testFolder } from '../../fakes/test-folder.ts'
import { store as put } from '../node/node-rig.ts'

const PIECE = 16 * 1024
const anyone = new AbortController().signal

/** Two files that share piece 1; three pieces. */
const sample = () => sampleTorrent({ size: 40_000, pieceLength: PIECE, files: [20_000, 20_000] })

async function openStore(t: Test) {
  const folder = testFolder(t)
  const descriptors = createDescriptors({ max: 8 })
  const library = await openLibrary({ folder }, { descriptors, log })
  t.teardown(async () => {
    await library.close()
    await descriptors.close()
  })
  const torrent = sample()
  const { infoHash } = torrent.metainfo
  await put(library, torrent)
  const store = (await library.open(infoHash)) as PieceStore
  const files = join('library', infoHash.slice(0, 2), infoHash, 'files')
  return { folder, store, files, infoHash }
}

t.test('a file has a place once all of its pieces are proven', async (t) => {
  const { folder, store, files, infoHash } = await openStore(t)
  t.equal(await provenFile(store, 0), undefined, 'nothing was read yet')
  await store.prove(0, anyone)
  t.equal(await provenFile(store, 0), undefined, 'its end is still a claim')
  await store.prove(1, anyone)
  t.same(await provenFile(store, 0), {
    absolute: join(folder, files, '0'),
    relative: `${infoHash.slice(0, 2)}/${infoHash}/files/0`
  })
  t.equal(await provenFile(store, 1), undefined, 'the other file ends in a piece of its own')
  t.equal(await provenFile(store, 2), undefined, 'there is no third')
})

t.test('doubt about a piece takes the place away', async (t) => {
  const { store } = await openStore(t)
  for (const index of [0, 1, 2]) await store.prove(index, anyone)
  t.ok(await provenFile(store, 1))
  PieceBits.of(store.shared).doubtAll()
  t.equal(await provenFile(store, 1), undefined)
})

t.test('a torrent that lacks a piece anywhere gives no place', async (t) => {
  const { store } = await openStore(t)
  for (const index of [0, 1, 2]) await store.prove(index, anyone)
  PieceBits.of(store.shared).clear(2)
  t.equal(await provenFile(store, 0), undefined)
})

t.test('a file that was cut or is gone gives no place', async (t) => {
  const { folder, store, files } = await openStore(t)
  for (const index of [0, 1, 2]) await store.prove(index, anyone)
  await truncate(join(folder, files, '0'), 19_999)
  t.equal(await provenFile(store, 0), undefined)
  t.ok(await provenFile(store, 1))
  await unlink(join(folder, files, '1'))
  t.equal(await provenFile(store, 1), undefined)
})

t.test('a cache gives no place, for it keeps no files and lets go', async (t) => {
  const descriptors = createDescriptors({ max: 8 })
  const cache = await openCache(
    { folder: testFolder(t), limitBytes: 2 ** 30 },
    { descriptors, log, evict: async () => {} }
  )
  t.teardown(async () => {
    await cache.close()
    await descriptors.close()
  })
  const torrent = sample()
  const store = await cache.open(torrent.metainfo)
  using _ = await store.pin({ start: 0, end: 40_000 }, anyone)
  for (const index of [0, 1, 2]) await deliver(store, index, torrent.piece(index), descriptors)
  t.ok(store.complete)
  t.equal(await provenFile(store, 0), undefined)
  await store.close()
})
