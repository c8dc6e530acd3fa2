import { randomBytes } from 'node:crypto'
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
