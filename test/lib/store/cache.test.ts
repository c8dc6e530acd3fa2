import {
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync
} from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import type { PieceSpan } from '../../../core/geometry.ts'
import type { InfoHash } from '../../../core/info-hash.ts'
import { openCache } from '../../../lib/store/cache.ts'
import { createDescriptors } from '../../../lib/store/descriptors.ts'
import type { DiskSpace } from '../../../lib/store/disk-space.ts'
import { PieceBits } from '../../../lib/store/piece-bits.ts'
import type { PieceStore } from '../../../lib/store/piece-store.ts'
import { fakeSpace } from '../../fakes/disk-space.ts'
import { deliver, type SampleTorrent, sampleTorrent } from '../../fakes/sample-torrent.ts'
import { silentLog } from '../../fakes/silent-log.ts'
import { testFolder } from '../../fakes/test-folder.ts'

const MiB = 2 ** 20
const PIECE = 4 * MiB
const EXTENT = 8 * MiB
/** Three extents are below the low mark. */
const ROOM_FOR_3 = 27 * MiB
const LATER = new AbortController().signal

interface LifeOptions {
  readonly limitBytes?: number
  readonly evict?: (infoHash: InfoHash, pieces: PieceSpan) => Promise<void>
  readonly space?: DiskSpace
}

async function life(t: Test, folder: string, options: LifeOptions = {}) {
  const { limitBytes = ROOM_FOR_3, evict = async () => {}, space = fakeSpace(2 ** 40) } = options
  const descriptors = createDescriptors({ max: 4 })
  const deps = { descriptors, log: silentLog, evict, space }
  const cache = await openCache({ folder, limitBytes }, deps)
  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= cache.close().then(() => descriptors.close())
    return closed
  }
  t.teardown(close)
  return { cache, descriptors, close }
}

/** A torrent of five extents; only the pieces a test delivers cost disk. */
const big = () => sampleTorrent({ size: 4 * EXTENT + 100, pieceLength: PIECE })
const extent = (index: number) => ({ start: index * EXTENT, end: index * EXTENT + 1 })

function placeOf(folder: string, infoHash: InfoHash): string {
  return join(folder, 'cache', infoHash.slice(0, 2), infoHash)
}

function extentsOf(folder: string, { metainfo }: SampleTorrent): string[] {
  return readdirSync(join(placeOf(folder, metainfo.infoHash), 'files')).sort()
}

async function use(store: PieceStore, index: number): Promise<void> {
  const pin = await store.pin(extent(index), LATER)
  pin[Symbol.dispose]()
}

t.test('a cached torrent has its metainfo, its ledger and the extents in use', async (t) => {
  const folder = testFolder(t)
  const { cache, descriptors } = await life(t, folder)
  const torrent = big()
  const store = await cache.open(torrent.metainfo)
  t.equal(await deliver(store, 0, torrent.piece(0), descriptors), false, 'no room was set aside')
  {
    using _pin = await store.pin({ start: 0, end: EXTENT + 1 }, LATER)
    t.equal(await deliver(store, 0, torrent.piece(0), descriptors), true)
    await store.flush()
  }
  t.same(extentsOf(folder, torrent), ['0', '1'])
  const place = placeOf(folder, torrent.metainfo.infoHash)
  t.same(readdirSync(place).sort(), ['files', 'ledger', 'metainfo'])
  t.ok(statSync(join(place, 'files', '1')).blocks < 100, 'an extent is sparse')
  t.equal(cache.usedBytes, 2 * EXTENT + statSync(join(place, 'metainfo')).size)
  await store.close()
})

t.test('the least recently used extent goes, its pieces with it', async (t) => {
  const folder = testFolder(t)
  const evicted: PieceSpan[] = []
  const { cache, descriptors } = await life(t, folder, {
    async evict(_, pieces) {
      evicted.push(pieces)
    }
  })
  const torrent = big()
  const store = await cache.open(torrent.metainfo)
  for (const index of [0, 1, 2]) await use(store, index)
  await deliver(store, 3, torrent.piece(3), descriptors)
  await deliver(store, 0, torrent.piece(0), descriptors)
  await store.read({ start: 0, end: 1 }, Buffer.alloc(1), LATER)
  await use(store, 3)
  await cache.close()
  t.same(evicted, [{ first: 2, end: 4 }])
  t.same([store.has(0), store.has(3)], [true, false])
  t.same(extentsOf(folder, torrent), ['0', '2', '3'])
  t.equal(cache.evictions, 1)
})

t.test('the engine lets go before the file does, and its writes are refused', async (t) => {
  const folder = testFolder(t)
  const asked = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<void>()
  const { cache, descriptors } = await life(t, folder, {
    evict: () => {
      asked.resolve()
      return answer.promise
    }
  })
  const torrent = big()
  const store = await cache.open(torrent.metainfo)
  for (const index of [0, 1, 2]) await use(store, index)
  await deliver(store, 0, torrent.piece(0), descriptors)
  const bits = PieceBits.of(store.shared)
  const next = store.pin(extent(3), LATER)
  await asked.promise
  t.same([store.has(0), bits.resident(0)], [false, false])
  t.same(extentsOf(folder, torrent), ['0', '1', '2'])
  t.equal(await deliver(store, 1, torrent.piece(1), descriptors), false)
  bits.prove(0)
  const again = store.pin(extent(0), LATER)
  answer.resolve()
  using _next = await next
  using _again = await again
  t.equal(store.has(0), false, 'a piece that was on its way is forgotten too')
  t.equal(await deliver(store, 0, torrent.piece(0), descriptors), true)
  await store.close()
})

t.test('a pinned extent stays, and a cache that is all pinned is full', async (t) => {
  const { cache, descriptors } = await life(t, testFolder(t))
  const torrent = big()
  const store = await cache.open(torrent.metainfo)
  const pin = await store.pin({ start: 0, end: 3 * EXTENT }, LATER)
  await deliver(store, 1, torrent.piece(1), descriptors)
  await t.rejects(store.pin({ start: 2 * EXTENT, end: 4 * EXTENT }, LATER), { code: 'STORE_FULL' })
  t.equal(store.has(1), true)
  pin[Symbol.dispose]()
  pin[Symbol.dispose]()
  using _later = await store.pin({ start: 2 * EXTENT, end: 4 * EXTENT }, LATER)
  t.equal(store.has(1), false)
  await store.close()
})

t.test('an aborted pin leaves nothing pinned', async (t) => {
  const { cache } = await life(t, testFolder(t))
  const store = await cache.open(big().metainfo)
  const reason = new Error('client left')
  await t.rejects(store.pin({ start: 0, end: 2 * EXTENT }, AbortSignal.abort(reason)), reason)
  const leaving = new AbortController()
  const pinning = store.pin({ start: 0, end: 2 * EXTENT }, leaving.signal)
  leaving.abort(reason)
  await t.rejects(pinning, reason)
  using _all = await store.pin({ start: 2 * EXTENT, end: 4 * EXTENT + 100 }, LATER)
  await store.close()
})

t.test('an extent the engine does not give back is not used again', async (t) => {
  const folder = testFolder(t)
  let stuck = true
  const { cache } = await life(t, folder, {
    evict: async () => {
      if (stuck) throw new Error('no answer')
    }
  })
  const torrent = big()
  const store = await cache.open(torrent.metainfo)
  for (const index of [0, 1, 2]) await use(store, index)
  await t.rejects(use(store, 3), { code: 'STORE_FULL' })
  t.equal(cache.usedBytes > 3 * EXTENT, true, 'its bytes still count')
  await t.rejects(use(store, 0), { message: 'no answer' })
  stuck = false
  await use(store, 0)
  await store.close()
})

t.test('content survives a restart, oldest extents still first out', async (t) => {
  const folder = testFolder(t)
  const first = await life(t, folder)
  const torrent = big()
  const { infoHash } = torrent.metainfo
  const store = await first.cache.open(torrent.metainfo)
  for (const index of [1, 2, 0]) {
    await use(store, index)
    await deliver(store, index * 2, torrent.piece(index * 2), first.descriptors)
    const now = Date.now()
    while (Date.now() === now) await new Promise((resolve) => setImmediate(resolve))
  }
  const used = first.cache.usedBytes
  await store.close()
  await first.close()

  const second = await life(t, folder)
  t.equal(second.cache.usedBytes, used)
  t.equal(second.cache.has(infoHash), true)
  const info = await second.cache.metainfo(infoHash)
  t.same(Buffer.from(info ?? []), Buffer.from(torrent.metainfo.info))
  const again = await second.cache.open(torrent.metainfo)
  t.same([0, 2, 4, 1].map(again.has), [true, true, true, false])
  t.equal(await again.prove(2, LATER), true)
  await use(again, 3)
  t.equal(again.has(0), true)
  await again.close()
})

t.test('a smaller limit is kept from the start on', async (t) => {
  const folder = testFolder(t)
  const first = await life(t, folder)
  const torrent = big()
  const store = await first.cache.open(torrent.metainfo)
  for (const index of [0, 1, 2]) await use(store, index)
  await store.close()
  await first.close()
  const second = await life(t, folder, { limitBytes: 2 * EXTENT })
  await second.close()
  t.ok(second.cache.usedBytes <= 2 * EXTENT)
  t.equal(extentsOf(folder, torrent).length, 1)
})

t.test('an extent of the wrong size is not believed', async (t) => {
  const folder = testFolder(t)
  const first = await life(t, folder)
  const torrent = big()
  const store = await first.cache.open(torrent.metainfo)
  for (const index of [0, 1]) await use(store, index)
  await store.close()
  await first.close()
  const files = join(placeOf(folder, torrent.metainfo.infoHash), 'files')
  truncateSync(join(files, '1'), 5)
  writeFileSync(join(files, '77'), 'foreign')
  writeFileSync(join(files, 'note'), 'foreign')
  const second = await life(t, folder)
  const again = await second.cache.open(torrent.metainfo)
  t.same(extentsOf(folder, torrent), ['0', 'note'])
  t.ok(second.cache.usedBytes < EXTENT + MiB)
  await again.close()
})

t.test('a torrent without an extent goes when nobody has it open', async (t) => {
  const folder = testFolder(t)
  const { cache } = await life(t, folder)
  const { metainfo } = big()
  const store = await cache.open(metainfo)
  t.ok(cache.usedBytes > 0)
  await store.close()
  t.equal(cache.has(metainfo.infoHash), false)
  t.equal(cache.usedBytes, 0)
  t.equal(existsSync(placeOf(folder, metainfo.infoHash)), false)
  t.equal(await cache.metainfo(metainfo.infoHash), undefined)
})

t.test('a torrent that is not open is evicted without a word to the engine', async (t) => {
  const folder = testFolder(t)
  const { cache } = await life(t, folder, {
    evict: async () => void t.fail('nobody has it open')
  })
  const [old, fresh] = [big(), big()]
  const first = await cache.open(old.metainfo)
  await use(first, 0)
  await first.close()
  const second = await cache.open(fresh.metainfo)
  using _pin = await second.pin({ start: 0, end: 3 * EXTENT }, LATER)
  await t.resolves(second.flush())
  t.equal(cache.has(old.metainfo.infoHash), false)
  await second.close()
})

t.test('a dropped torrent leaves nothing, pinned or not', async (t) => {
  const folder = testFolder(t)
  const { cache, close } = await life(t, folder)
  const torrent = big()
  const { infoHash } = torrent.metainfo
  const store = await cache.open(torrent.metainfo)
  const pin = await store.pin({ start: 0, end: 2 * EXTENT }, LATER)
  const waiting = t.rejects(store.whenProven(0, LATER))
  await cache.drop(infoHash)
  await waiting
  t.same([cache.has(infoHash), cache.usedBytes], [false, 0])
  t.equal(existsSync(placeOf(folder, infoHash)), false)
  pin[Symbol.dispose]()
  await t.rejects(store.pin(extent(0), LATER), { code: 'SHUTTING_DOWN' })
  await store.close()
  const again = await cache.open(torrent.metainfo)
  await use(again, 0)
  t.equal(again.has(0), false)
  await again.close()
  await cache.drop(infoHash)
  await cache.drop(infoHash)
  await close()
  t.same(readdirSync(join(folder, 'trash')), [])
})

t.test('an extent that cannot be made takes nothing from the budget', async (t) => {
  const folder = testFolder(t)
  const { cache } = await life(t, folder)
  const torrent = big()
  const store = await cache.open(torrent.metainfo)
  await use(store, 0)
  const used = cache.usedBytes
  mkdirSync(join(placeOf(folder, torrent.metainfo.infoHash), 'files', '1'))
  await t.rejects(store.pin(extent(1), LATER), { code: 'STORE_FAILED' })
  t.equal(cache.usedBytes, used)
  await store.close()
})

t.test('a folder that cannot be made fails who needs it, and is made when it can be', async (t) => {
  const folder = testFolder(t)
  const { cache } = await life(t, folder)
  const torrent = big()
  const place = placeOf(folder, torrent.metainfo.infoHash)
  writeFileSync(dirname(place), 'in the way')
  const store = await cache.open(torrent.metainfo)
  await t.rejects(store.pin(extent(0), LATER), { code: 'STORE_FAILED' })
  t.ok(cache.usedBytes < EXTENT, 'nothing is set aside for the extent')
  rmSync(dirname(place))
  await use(store, 0)
  t.same(extentsOf(folder, torrent), ['0'])
  await store.close()
  t.ok(existsSync(join(place, 'metainfo')), 'and its metainfo is kept for the next life')
})

t.test('a torrent that is dropped while its folder is being made leaves nothing', async (t) => {
  const folder = testFolder(t)
  const { cache, close } = await life(t, folder)
  const torrent = big()
  const store = await cache.open(torrent.metainfo)
  await cache.drop(torrent.metainfo.infoHash)
  await store.close()
  t.equal(cache.usedBytes, 0)
  await close()
  t.notOk(existsSync(placeOf(folder, torrent.metainfo.infoHash)))
  t.same(readdirSync(join(folder, 'trash')), [])
})

t.test('the budget is kept under any load, and what is pinned stays', async (t) => {
  const folder = testFolder(t)
  const limitBytes = ROOM_FOR_3
  let most = 0
  const { cache } = await life(t, folder, {
    limitBytes,
    evict: () => new Promise((resolve) => setImmediate(resolve))
  })
  const stores = await Promise.all([big(), big()].map(({ metainfo }) => cache.open(metainfo)))
  const random = seeded(20261122)
  let full = 0
  async function reader(): Promise<void> {
    for (let turn = 0; turn < 25; turn++) {
      const store = stores[random(stores.length)] as PieceStore
      const first = random(4)
      const span = { start: first * EXTENT, end: (first + 1 + random(2)) * EXTENT }
      try {
        using _pin = await store.pin(span, LATER)
        most = Math.max(most, cache.usedBytes)
        for (let i = random(4); i > 0; i--) await new Promise((resolve) => setImmediate(resolve))
        const bits = PieceBits.of(store.shared)
        if (!bits.resident(first)) t.fail('a pinned extent left')
      } catch (err) {
        if (!(err instanceof Error && 'code' in err && err.code === 'STORE_FULL')) throw err
        full++
      }
    }
  }
  await Promise.all([reader(), reader(), reader()])
  t.ok(most <= limitBytes, `${most} of ${limitBytes}`)
  t.ok(cache.evictions > 0)
  t.ok(full < 75, 'some got room')
  const onDisk = [...stores].flatMap(({ shared }) =>
    readdirSync(shared.layout.folder).map((name) => statSync(join(shared.layout.folder, name)).size)
  )
  t.ok(onDisk.reduce((a, b) => a + b, 0) <= limitBytes)
  for (const store of stores) await store.close()
})

/** A small generator of integers below a bound, the same every run. */
function seeded(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

t.test('the cache gives way when its disk runs short, and grows again', async (t) => {
  const folder = testFolder(t)
  const space = fakeSpace(2 ** 40)
  const { cache } = await life(t, folder, { limitBytes: 2 ** 40, space })
  const torrent = sampleTorrent({ size: 12 * EXTENT, pieceLength: PIECE })
  const store = await cache.open(torrent.metainfo)
  for (let index = 0; index < 12; index++) await use(store, index)
  const before = cache.usedBytes
  space.become(-2 * EXTENT)
  await until(() => cache.usedBytes <= before - 2 * EXTENT)
  t.notOk(extentsOf(folder, torrent).includes('0'), 'the oldest went')
  space.become(-100 * EXTENT)
  await until(() => cache.usedBytes <= 8 * EXTENT)
  await use(store, 0)
  t.ok(cache.usedBytes > 0, 'a little is kept whatever others do, so that it can still fetch')
  space.become(2 ** 40)
  for (let index = 0; index < 12; index++) await use(store, index)
  t.equal(cache.usedBytes, before)
  await store.close()
})

/** Resolves as soon as `condition` holds; looked at after every turn of the loop. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate)
}
