import t, { type Test } from 'tap'
import { type InfoHash, infoHashOf } from '../../../core/info-hash.ts'
import { createAssignments } from '../../../seeder/hosting/assignments.ts'
import { log } from '../rig.ts'

const CONFIG = { parallel: 2, patienceMs: 60_000, firstRestMs: 100, lastRestMs: 250 }
const torrents = (count: number): InfoHash[] =>
  Array.from({ length: count }, (_, index) => infoHashOf(Buffer.from(String(index))))

interface Fetch {
  readonly infoHash: InfoHash
  readonly signal: AbortSignal
  readonly resolve: () => void
  readonly reject: (err: Error) => void
}

function open(t: Test, config = CONFIG) {
  const clock = { now: 0 }
  const fetches: Fetch[] = []
  const list: InfoHash[] = []
  let idle = Promise.withResolvers<void>()
  const assignments = createAssignments(config, {
    ask: async () => list,
    host: (infoHash, signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      signal.addEventListener('abort', () => reject(signal.reason))
      fetches.push({ infoHash, signal, resolve, reject })
      return promise
    },
    onDone: () => idle.resolve(),
    now: () => clock.now,
    log
  })
  t.teardown(() => assignments.close())
  /** Resolves when nothing is fetched any more. */
  const done = async () => {
    await idle.promise
    idle = Promise.withResolvers()
  }
  const fetched = () => fetches.map(({ infoHash }) => infoHash)
  return { assignments, clock, fetches, fetched, list, done }
}

t.test('what is assigned is fetched, a few at a time', async (t) => {
  const { assignments, list, fetches, fetched, done } = open(t)
  list.push(...torrents(3))
  await assignments.poll()
  t.same(fetched(), list.slice(0, 2))
  await assignments.poll()
  t.equal(fetches.length, 2, 'what runs is not begun again')
  fetches[0]?.resolve()
  await new Promise(setImmediate)
  t.same(fetched(), list)
  for (const { resolve } of fetches) resolve()
  await done()
})

t.test('what failed rests, longer each time up to a bound', async (t) => {
  const { assignments, clock, list, fetches, done } = open(t, { ...CONFIG, parallel: 1 })
  list.push(...torrents(1))
  const restsMs = [100, 200, 250, 250]
  for (const [index, restMs] of restsMs.entries()) {
    await assignments.poll()
    t.equal(fetches.length, index + 1)
    fetches[index]?.reject(new Error('no peer'))
    await done()
    clock.now += restMs - 1
    await assignments.poll()
    t.equal(fetches.length, index + 1, 'it rests')
    clock.now += 1
  }
})

t.test('what is no longer assigned is forgotten with its failures', async (t) => {
  const { assignments, list, fetches, done } = open(t)
  const [infoHash] = torrents(1) as [InfoHash]
  list.push(infoHash)
  await assignments.poll()
  fetches[0]?.reject(new Error('no peer'))
  await done()
  list.length = 0
  await assignments.poll()
  list.push(infoHash)
  await assignments.poll()
  t.equal(fetches.length, 2)
})

t.test('a queued torrent that is taken off the list is not fetched', async (t) => {
  const { assignments, list, fetches, fetched, done } = open(t, { ...CONFIG, parallel: 1 })
  const [first, second] = torrents(2) as [InfoHash, InfoHash]
  list.push(first, second)
  await assignments.poll()
  list.pop()
  await assignments.poll()
  fetches[0]?.resolve()
  await done()
  t.same(fetched(), [first])
})

t.test('a fetch that does not get on gives its place to others', async (t) => {
  const { assignments, list, fetched, done } = open(t, { ...CONFIG, parallel: 1, patienceMs: 5 })
  list.push(...torrents(2))
  await assignments.poll()
  await done()
  t.same(fetched(), list)
})

t.test('closing aborts what is being fetched', async (t) => {
  const { assignments, list, fetches } = open(t)
  list.push(...torrents(3))
  await assignments.poll()
  await assignments.close()
  t.ok(fetches[0]?.signal.aborted)
  t.equal(fetches.length, 2, 'and begins nothing new')
})
