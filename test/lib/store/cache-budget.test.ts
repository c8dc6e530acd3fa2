import t, { type Test } from 'tap'
import { type InfoHash, parseInfoHash } from '../../../core/info-hash.ts'
import { createCacheBudget, type Extent } from '../../../lib/store/cache-budget.ts'
import { silentLog } from '../../fakes/silent-log.ts'

const infoHash = parseInfoHash('a'.repeat(40)) as InfoHash
const LATER = new AbortController().signal

function setup(evict: (extent: Extent) => Promise<void> = async () => {}) {
  const evicted: number[] = []
  const budget = createCacheBudget(
    { limitBytes: 100, lowMark: 0.9 },
    {
      log: silentLog,
      async evict(extent) {
        await evict(extent)
        evicted.push(extent.index)
      }
    }
  )
  async function add(index: number, bytes = 20): Promise<Extent> {
    const room = await budget.reserve(bytes, LATER)
    const extent = extentOf(index, bytes)
    room.keep(extent)
    return extent
  }
  return { budget, evicted, add }
}

function extentOf(index: number, bytes: number, usedAt = 0): Extent {
  return { infoHash, index, bytes, usedAt, pins: 0, evicting: undefined }
}

async function filled(t: Test, evict?: (extent: Extent) => Promise<void>) {
  const parts = setup(evict)
  const extents: Extent[] = []
  for (let index = 0; index < 5; index++) extents.push(await parts.add(index))
  t.same([parts.budget.usedBytes, parts.evicted], [100, []], 'the limit itself may be used')
  return { ...parts, extents }
}

t.test('the least recently used go first, down to the low mark', async (t) => {
  const { budget, evicted, extents, add } = await filled(t)
  budget.touch(extents[0] as Extent)
  await add(5, 5)
  await budget.settled()
  t.same(evicted, [1])
  t.equal(budget.usedBytes, 85)
  await add(6, 20)
  await budget.settled()
  t.same(evicted, [1, 2])
  t.equal(budget.usedBytes, 85)
  t.equal(budget.evictions, 2)
})

t.test('a pinned extent never goes, and without another the cache is full', async (t) => {
  const { evicted, extents, add } = await filled(t)
  for (const extent of extents) extent.pins++
  await t.rejects(add(5), { code: 'STORE_FULL' })
  t.same(evicted, [])
  const [, second] = extents
  if (second !== undefined) second.pins--
  await add(5)
  t.same(evicted, [1])
  await t.rejects(add(6, 101), { code: 'STORE_FULL' })
})

t.test('reservations are met in their order, each as soon as it fits', async (t) => {
  const gates: (() => void)[] = []
  const { budget, extents } = await filled(
    t,
    () => new Promise<void>((resolve) => gates.push(resolve))
  )
  t.equal(extents.length, 5)
  const met: string[] = []
  const reservations = [
    budget.reserve(40, LATER).then(() => met.push('big')),
    budget.reserve(1, LATER).then(() => met.push('small'))
  ]
  const openGate = async () => {
    gates.shift()?.()
    for (let i = 0; i < 10; i++) await Promise.resolve()
  }
  await openGate()
  t.same(met, [], 'the small one waits behind the big one')
  await openGate()
  t.same(met, ['big'])
  await openGate()
  await Promise.all(reservations)
  t.same(met, ['big', 'small'])
  while (gates.length > 0) await openGate()
  await budget.settled()
})

t.test('who stops waiting for room leaves the queue to the next', async (t) => {
  const gates: (() => void)[] = []
  const { budget } = await filled(t, () => new Promise<void>((resolve) => gates.push(resolve)))
  const leaving = new AbortController()
  const big = budget.reserve(100, leaving.signal)
  const small = budget.reserve(20, LATER)
  leaving.abort(new Error('left'))
  await t.rejects(big, { message: 'left' })
  gates.shift()?.()
  await small
  await t.rejects(budget.reserve(1, leaving.signal), { message: 'left' })
  for (let i = 0; i < 20; i++) {
    gates.shift()?.()
    await Promise.resolve()
  }
  await budget.settled()
})

t.test('an extent that cannot be evicted stays, and the next one goes', async (t) => {
  const { budget, evicted, add } = await filled(t, async ({ index }) => {
    if (index === 0) throw new Error('in use')
  })
  await add(5)
  await budget.settled()
  t.same(evicted, [1, 2])
  t.equal(budget.usedBytes, 80)
})

t.test('what was there at start counts, oldest first out when the limit shrank', async (t) => {
  const { budget, evicted } = setup()
  const found = [extentOf(0, 40, 300), extentOf(1, 40, 100), extentOf(2, 40, 200)]
  budget.restore(found, 5)
  await budget.settled()
  t.same(evicted, [1])
  t.equal(budget.usedBytes, 85)
})

t.test('what is being made is waited for before a reservation is refused', async (t) => {
  const { budget, evicted } = setup()
  const first = await budget.reserve(60, LATER)
  const second = await budget.reserve(40, LATER)
  const third = budget.reserve(50, LATER)
  const fourth = budget.reserve(30, LATER)
  first.keep(extentOf(0, 60))
  ;(await third).keep(extentOf(2, 50))
  t.same(evicted, [0])
  second.release()
  second.release()
  ;(await fourth).release()
  await budget.settled()
  t.equal(budget.usedBytes, 50)
})

t.test('an extent that is removed twice is free once', async (t) => {
  const { budget, extents } = await filled(t)
  budget.remove(extents[0] as Extent)
  budget.remove(extents[0] as Extent)
  t.equal(budget.usedBytes, 80)
})

t.test('a smaller limit evicts what is over it, a larger one admits who waits', async (t) => {
  const { budget, evicted, extents, add } = await filled(t)
  budget.resize(50)
  await budget.settled()
  t.same(evicted, [0, 1, 2], 'down to the low mark')
  for (const extent of extents) extent.pins++
  await t.rejects(add(5), { code: 'STORE_FULL' })
  budget.resize(100)
  await add(6, 60)
  t.equal(budget.usedBytes, 100)
})
