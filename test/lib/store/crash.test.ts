import { fork } from 'node:child_process'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import type { Metainfo } from '../../../core/metainfo.ts'
import { openCache } from '../../../lib/store/cache.ts'
import { claim } from '../../../lib/store/claims.ts'
import { createDescriptors } from '../../../lib/store/descriptors.ts'
import { openLibrary } from '../../../lib/store/library.ts'
import { libraryLayout } from '../../../lib/store/library-torrent.ts'
import { PieceBits } from '../../../lib/store/piece-bits.ts'
import { createPieceFiles } from '../../../lib/store/piece-files.ts'
import { isPieceOnDisk } from '../../../lib/store/prove.ts'
import { equalStarts, extentLengthFor } from '../../../lib/store/segments.ts'
import type { Layout } from '../../../lib/store/shared-pieces.ts'
import { torrentFolders } from '../../../lib/store/torrent-folders.ts'
import { silentLog } from '../../fakes/silent-log.ts'
import { testFolder } from '../../fakes/test-folder.ts'
import { victimTorrent } from './crash-victim.ts'

const { bytes, metainfo } = victimTorrent()
const LATER = new AbortController().signal

/** Runs the victim and kills it after so many pieces. Resolves with how many claims were wrong. */
async function crash(t: Test, folder: string, pieces: number): Promise<number> {
  const victim = fork(new URL('./crash-victim.ts', import.meta.url), [folder])
  t.teardown(() => victim.kill('SIGKILL'))
  let wrong = 0
  let left = pieces
  victim.on('message', (message) => {
    if (message === 'wrong') wrong++
    else if (--left === 0) victim.kill('SIGKILL')
  })
  await once(victim, 'exit')
  return wrong
}

/** How many pieces the ledger on the disk claims, and which of them are not what they should be. */
async function judge(root: string, layout: (metainfo: Metainfo, folder: string) => Layout) {
  const { infoHash, geometry } = metainfo
  const { size, pieceLength, pieceCount } = geometry
  const folders = torrentFolders(root)
  const place = layout(metainfo, folders.files(infoHash))
  const memory = PieceBits.allocate(pieceCount, place.starts.length - 1)
  const bits = new PieceBits(memory, pieceCount, place.starts.length - 1)
  const identity = { infoHash, pieceCount, segmentCount: place.starts.length - 1 }
  await claim({ path: folders.ledger(infoHash), identity, geometry, layout: place }, bits)
  const descriptors = createDescriptors({ max: 4 })
  const shared = { layout: place, size, pieceLength, bits: memory }
  const files = createPieceFiles(shared, descriptors)
  const wrong: number[] = []
  for (let index = 0; index < pieceCount; index++) {
    if (bits.has(index) && !(await isPieceOnDisk(files, metainfo, index))) wrong.push(index)
  }
  await descriptors.close()
  return { claimed: bits.count(), wrong }
}

const cacheLayout = ({ geometry }: Metainfo, folder: string): Layout => ({
  folder,
  starts: equalStarts(geometry.size, extentLengthFor(geometry.pieceLength)),
  kind: 'cache'
})

t.test('after any number of kills no claim is without its bytes, and all can be got', async (t) => {
  const folder = testFolder(t)
  const claimed: number[] = []
  for (let round = 0; round < 10; round++) {
    t.equal(await crash(t, folder, 3 + round * 7), 0, 'no claim was wrong while it ran')
    const library = await judge(`${folder}/seeder/library`, libraryLayout)
    const cache = await judge(`${folder}/gateway/cache`, cacheLayout)
    t.same([library.wrong, cache.wrong], [[], []], `round ${round}`)
    claimed.push(library.claimed)
  }
  t.comment('claimed by the library after each kill', claimed.join(' '))

  const descriptors = createDescriptors({ max: 4 })
  t.teardown(() => descriptors.close())
  const deps = { descriptors, log: silentLog }
  const library = await openLibrary({ folder: `${folder}/seeder` }, deps)
  t.teardown(() => library.close())
  const cache = await openCache(
    { folder: `${folder}/gateway`, limitBytes: 2 ** 30 },
    { ...deps, evict: async () => {} }
  )
  t.teardown(() => cache.close())
  for (const store of [await library.create(metainfo), await cache.open(metainfo)]) {
    for (let index = 0; index < metainfo.geometry.pieceCount; index++) {
      if (!(await store.prove(index, LATER))) continue
      const start = index * metainfo.geometry.pieceLength
      const end = Math.min(bytes.byteLength, start + metainfo.geometry.pieceLength)
      const target = Buffer.alloc(end - start)
      await store.read({ start, end }, target, LATER)
      if (!target.equals(bytes.subarray(start, end))) t.fail(`${store.kind} piece ${index}`)
    }
    await store.close()
  }
})
