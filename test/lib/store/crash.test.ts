import { fork } from 'node:child_process'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { openCache } from '../../../lib/store/cache.ts'
import { createDescriptors } from '../../../lib/store/descriptors.ts'
import { openLibrary } from '../../../lib/store/library.ts'
import { libraryLayout } from '../../../lib/store/library-torrent.ts'
import { silentLog } from '../../fakes/silent-log.ts'
import { testFolder } from '../../fakes/test-folder.ts'
import { cacheLayout, judgeClaims } from './claims-judge.ts'
import { victimTorrent } from './crash-victim.ts'

const { bytes, metainfo } = victimTorrent()
/** CRASH_ROUNDS=50 is what a release is tried with. */
const ROUNDS = Number(process.env.CRASH_ROUNDS ?? 10)
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

t.test('after any number of kills no claim is without its bytes, and all can be got', async (t) => {
  const folder = testFolder(t)
  const claimed: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    t.equal(await crash(t, folder, 3 + (round % 10) * 7), 0, 'no claim was wrong while it ran')
    const library = await judgeClaims(`${folder}/seeder/library`, metainfo, libraryLayout)
    const cache = await judgeClaims(`${folder}/gateway/cache`, metainfo, cacheLayout)
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
