/**
 * A process that fetches torrents into a library and a cache, as fast as it can, until it is killed.
 * Argument: the folder. It says each piece it has come by, and `wrong` for a claim that was false.
 */
import { createHash } from 'node:crypto'
import { buildInfo } from '../../../core/metainfo-build.ts'
import { openCache } from '../../../lib/store/cache.ts'
import { createDescriptors } from '../../../lib/store/descriptors.ts'
import { openLibrary } from '../../../lib/store/library.ts'
import { hashPieces } from '../../fakes/memory-store.ts'
import { deliver } from '../../fakes/sample-torrent.ts'
import { silentLog } from '../../fakes/silent-log.ts'

const PIECE = 16 * 1024
const COUNT = 60
const LATER = new AbortController().signal

/** The bytes of the torrent that both processes know. */
export function victimTorrent() {
  const parts = Array.from({ length: COUNT }, (_, index) =>
    Buffer.alloc(PIECE, createHash('sha512').update(`piece ${index}`).digest())
  )
  const bytes = Buffer.concat(parts)
  const common = { name: 'victim', pieceLength: PIECE, pieces: hashPieces(bytes, PIECE) }
  const files = [7 * PIECE + 1, 30 * PIECE, COUNT * PIECE - 37 * PIECE - 1].map((size, k) => ({
    path: [`${k}`],
    size
  }))
  return { bytes, metainfo: buildInfo({ ...common, files }).metainfo }
}

async function run(folder: string): Promise<void> {
  const { bytes, metainfo } = victimTorrent()
  const descriptors = createDescriptors({ max: 8 })
  const deps = { descriptors, log: silentLog }
  const library = await openLibrary({ folder: `${folder}/seeder` }, deps)
  const cache = await openCache(
    { folder: `${folder}/gateway`, limitBytes: 2 ** 30 },
    { ...deps, evict: async () => {} }
  )
  const stores = [await library.create(metainfo), await cache.open(metainfo)]
  await stores[1]?.pin({ start: 0, end: bytes.byteLength }, LATER)
  for (;;) {
    for (let index = 0; index < COUNT; index++) {
      for (const store of stores) {
        if (store.has(index) && !(await store.prove(index, LATER))) process.send?.('wrong')
        if (!store.has(index)) {
          const piece = bytes.subarray(index * PIECE, (index + 1) * PIECE)
          await deliver(store, index, piece, descriptors)
        }
        if (index % 4 === 0) void store.flush()
      }
      await new Promise((resolve) => process.send?.(index, resolve))
    }
  }
}

const [folder] = process.argv.slice(2)
if (process.send !== undefined && folder !== undefined) await run(folder)
