import { randomBytes } from 'node:crypto'
import { mock } from 'node:test'
import t, { type Test } from 'tap'
import { AppError } from '../../../core/errors.ts'
import type { InfoHash } from '../../../core/info-hash.ts'
import { createSessions } from '../../../lib/node/sessions.ts'
import { type MemoryStore, memoryStore } from '../../fakes/memory-store.ts'
import { recordingSwarm } from '../../fakes/recording-swarm.ts'
import { silentLog } from '../../fakes/silent-log.ts'

const anyone = () => new AbortController().signal

function open(t: Test, maxOpen = 10, locating: Promise<void> = Promise.resolve()) {
  const stores = new Map<InfoHash, MemoryStore>()
  const located: InfoHash[] = []
  const aborted: unknown[] = []
  const sessions = createSessions(
    { maxOpen, idleMs: 60_000, sweepMs: 60_000 },
    {
      swarm: recordingSwarm(),
      async locate(infoHash, signal) {
        located.push(infoHash)
        signal.addEventListener('abort', () => aborted.push(signal.reason))
        await locating
        const store = stores.get(infoHash)
        if (store === undefined) throw new AppError('CONTENT_UNKNOWN', 'nowhere')
        return store
      },
      fleetPeers: () => [],
      onJoin: () => {},
      onClosed: () => {},
      log: silentLog
    }
  )
  t.teardown(() => sessions.close())
  function add(): MemoryStore {
    const store = memoryStore(randomBytes(100))
    stores.set(store.infoHash, store)
    return store
  }
  return { sessions, add, located, aborted }
}

t.test('a torrent is opened once, however many ask at the same time', async (t) => {
  const { sessions, add, located } = open(t)
  const { infoHash } = add()
  const [a, b] = await Promise.all([
    sessions.open(infoHash, anyone()),
    sessions.open(infoHash, anyone())
  ])
  t.equal(a, b)
  t.equal(located.length, 1)
})

t.test('a failed opening is told to all and tried again by the next', async (t) => {
  const { sessions, located } = open(t)
  const { infoHash } = memoryStore(randomBytes(10))
  await t.rejects(sessions.open(infoHash, anyone()), { code: 'CONTENT_UNKNOWN' })
  await t.rejects(sessions.open(infoHash, anyone()), { code: 'CONTENT_UNKNOWN' })
  t.equal(located.length, 2)
})

t.test('an opening goes on while one of those who wait is still there', async (t) => {
  const gate = Promise.withResolvers<void>()
  const { sessions, add, aborted } = open(t, 10, gate.promise)
  const { infoHash } = add()
  const leaving = new AbortController()
  const first = sessions.open(infoHash, leaving.signal)
  const second = sessions.open(infoHash, anyone())
  leaving.abort(new Error('left'))
  await t.rejects(first, { message: 'left' })
  t.same(aborted, [])
  gate.resolve()
  t.equal((await second).infoHash, infoHash)
})

t.test('an opening nobody waits for any more is aborted', async (t) => {
  const gate = Promise.withResolvers<void>()
  const { sessions, add, aborted } = open(t, 10, gate.promise)
  const { infoHash } = add()
  const leaving = new AbortController()
  const only = sessions.open(infoHash, leaving.signal)
  await new Promise(setImmediate)
  leaving.abort(new Error('left'))
  await t.rejects(only, { message: 'left' })
  t.match(aborted, [{ message: 'left' }])
  gate.resolve()
})

t.test(
  'at the limit the idle one goes, and when all are busy the request is refused',
  async (t) => {
    const { sessions, add } = open(t, 2)
    const [one, two, three, four] = [add(), add(), add(), add()]
    const first = await sessions.open(one.infoHash, anyone())
    const seat = first.sit()
    await sessions.open(two.infoHash, anyone())
    const third = await sessions.open(three.infoHash, anyone())
    t.ok(two.closed, 'the idle one was closed')
    t.notOk(one.closed, 'the one that is read stays')
    third.sit()
    await t.rejects(sessions.open(four.infoHash, anyone()), { code: 'QUOTA_EXCEEDED' })
    seat.leave()
    await sessions.open(four.infoHash, anyone())
    t.ok(one.closed)
  }
)

t.test('a torrent that is being closed is opened anew only afterwards', async (t) => {
  const { sessions, add, located } = open(t)
  const { infoHash } = add()
  const before = await sessions.open(infoHash, anyone())
  const ending = sessions.end(infoHash, new Error('unpublished'))
  const after = await sessions.open(infoHash, anyone())
  await ending
  t.not(before, after)
  t.equal(located.length, 2)
})

t.test('closing ends every session and every opening', async (t) => {
  const { sessions, add } = open(t)
  const store = add()
  const session = await sessions.open(store.infoHash, anyone())
  await sessions.close()
  await sessions.close()
  t.ok(store.closed)
  t.match(session.gone.reason, { code: 'SHUTTING_DOWN' })
})

t.test('what moves a torrent runs before it can be opened again', async (t) => {
  const { sessions, add, located } = open(t)
  const { infoHash } = add()
  await sessions.open(infoHash, anyone())
  const moving = Promise.withResolvers<void>()
  const ending = sessions.end(infoHash, new Error('moved'), () => moving.promise)
  const after = sessions.open(infoHash, anyone())
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
  t.equal(located.length, 1)
  moving.reject(new Error('the disk is full'))
  await t.rejects(ending, { message: 'the disk is full' })
  t.equal((await after).infoHash, infoHash, 'and what failed does not keep others out')
})

t.test(
  'an end reaches those who still wait for the torrent, and its store is closed',
  async (t) => {
    const gate = Promise.withResolvers<void>()
    const { sessions, add } = open(t, 10, gate.promise)
    const store = add()
    const waiting = sessions.open(store.infoHash, anyone())
    waiting.catch(() => {})
    await new Promise(setImmediate)
    const ending = sessions.end(store.infoHash, new Error('unpublished'))
    gate.resolve()
    await t.rejects(waiting, { message: 'unpublished' })
    await ending
    t.ok(store.closed)
    t.equal(sessions.get(store.infoHash), undefined)
  }
)

t.test('one who comes while an abandoned opening still runs leaves when he wants', async (t) => {
  const gate = Promise.withResolvers<void>()
  const { sessions, add } = open(t, 10, gate.promise)
  t.teardown(gate.resolve)
  const { infoHash } = add()
  const first = new AbortController()
  const abandoned = sessions.open(infoHash, first.signal)
  await new Promise(setImmediate)
  first.abort(new Error('left'))
  await t.rejects(abandoned, { message: 'left' })
  const second = new AbortController()
  const waiting = sessions.open(infoHash, second.signal)
  second.abort(new Error('left too'))
  await t.rejects(waiting, { message: 'left too' })
})

t.test('many openings at once do not pass the limit', async (t) => {
  const gate = Promise.withResolvers<void>()
  const { sessions, add } = open(t, 2, gate.promise)
  const outcomes = [add(), add(), add()].map(({ infoHash }) => sessions.open(infoHash, anyone()))
  gate.resolve()
  const settled = await Promise.allSettled(outcomes)
  const refused = settled.filter(({ status }) => status === 'rejected')
  t.match(refused, [{ reason: { code: 'QUOTA_EXCEEDED' } }])
  t.ok([...sessions.all()].length <= 2)
})

t.test('a torrent sleeps when nobody uses it, also while idle peers are connected', async (t) => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  t.teardown(() => mock.timers.reset())
  async function pass(ms: number): Promise<void> {
    for (let tick = 0; tick < ms; tick++) {
      mock.timers.tick(1)
      await new Promise(setImmediate)
    }
  }
  const store = memoryStore(randomBytes(100))
  const swarm = recordingSwarm({ peers: 1 })
  let asleep = false
  const sessions = createSessions(
    { maxOpen: 10, idleMs: 20, sweepMs: 1 },
    {
      swarm,
      locate: async () => store,
      fleetPeers: () => [],
      onJoin: () => {},
      onClosed: () => {
        asleep = true
      },
      log: silentLog
    }
  )
  const session = await sessions.open(store.infoHash, anyone())
  session.join()
  const seat = session.sit()
  await pass(40)
  t.equal(sessions.get(store.infoHash), session, 'not while somebody reads')
  seat.leave()
  for (let uploaded = 1; uploaded < 10; uploaded++) {
    swarm.see({ uploaded: { seeder: 0, gateway: 0, stranger: uploaded } })
    await pass(5)
  }
  t.equal(sessions.get(store.infoHash), session, 'not while bytes move')
  while (!asleep) await pass(1)
  await sessions.close()
  t.match(session.gone.reason, { code: 'SHUTTING_DOWN' })
  t.same(swarm.left, [store.infoHash])
})

t.test('a reader that waits without a peer is introduced to the fleet again', async (t) => {
  const store = memoryStore(randomBytes(100))
  const swarm = recordingSwarm({ peers: 0 })
  const peer = { host: '127.0.0.1', port: 7, class: 'seeder' } as const
  const sessions = createSessions(
    { maxOpen: 10, idleMs: 60_000, sweepMs: 1 },
    {
      swarm,
      locate: async () => store,
      fleetPeers: () => [peer],
      onJoin: () => {},
      onClosed: () => {},
      log: silentLog
    }
  )
  t.teardown(() => sessions.close())
  const session = await sessions.open(store.infoHash, anyone())
  await session.sit().want({ first: 0, end: 1 }, anyone())
  while (swarm.introduced.length < 2) await new Promise(setImmediate)
  store.arrive(0)
  t.notOk(session.stranded, 'nothing is missing any more')
})
