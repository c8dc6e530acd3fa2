import { randomBytes } from 'node:crypto'
import t from 'tap'
import { AppError } from '../../../core/errors.ts'
import { createSession } from '../../../lib/node/session.ts'
import { memoryStore } from '../../fakes/memory-store.ts'
import { recordingSwarm } from '../../fakes/recording-swarm.ts'
import { turns } from './node-rig.ts'

const PIECE = 16384
const bytes = randomBytes(4 * PIECE)
const signal = new AbortController().signal

function openSession(options: Parameters<typeof memoryStore>[1] = {}) {
  const store = memoryStore(bytes, options)
  const swarm = recordingSwarm()
  let joins = 0
  const peer = { host: '127.0.0.1', port: 1, class: 'seeder' } as const
  const session = createSession(store, {
    swarm,
    fleetPeers: () => [peer],
    onJoin: () => joins++
  })
  return { store, swarm, session, peer, joins: () => joins }
}

t.test('content that is all here is read without the engine hearing of it', async (t) => {
  const { store, swarm, session, joins } = openSession()
  for (let index = 0; index < 4; index++) store.arrive(index)
  const seat = session.sit()
  await seat.want({ first: 0, end: 4 }, signal)
  seat.leave()
  t.same(swarm.joined, [])
  t.equal(joins(), 0)
})

t.test('the first missing piece joins the swarm with the window and the fleet', async (t) => {
  const { swarm, session, peer, joins } = openSession()
  await session.sit().want({ first: 1, end: 3 }, signal)
  t.match(swarm.joined, [{ want: { all: false, windows: [{ first: 1, end: 3 }] }, peers: [peer] }])
  t.equal(joins(), 1)
})

t.test(
  'the swarm is asked for the union of all windows, and for less when one leaves',
  async (t) => {
    const { swarm, session } = openSession()
    const one = session.sit()
    const two = session.sit()
    await one.want({ first: 0, end: 1 }, signal)
    await two.want({ first: 3, end: 4 }, signal)
    await turns()
    t.same(swarm.wants.at(-1)?.windows, [
      { first: 0, end: 1 },
      { first: 3, end: 4 }
    ])
    one.leave()
    await turns()
    t.same(swarm.wants.at(-1)?.windows, [{ first: 3, end: 4 }])
    t.equal(session.busy, true)
    two.leave()
    await turns()
    t.same(swarm.wants.at(-1)?.windows, [])
    t.equal(session.busy, false)
  }
)

t.test('a window is pinned while it is wanted', async (t) => {
  const { store, session } = openSession()
  const seat = session.sit()
  await seat.want({ first: 0, end: 1 }, signal)
  await seat.want({ first: 1, end: 2 }, signal)
  t.same(store.pinned, [{ start: PIECE, end: 2 * PIECE }], 'only the last window')
  seat.leave()
  t.same(store.pinned, [])
})

t.test('a reader that left while room was made for its window pins nothing', async (t) => {
  const { store, swarm, session } = openSession()
  const seat = session.sit()
  const wanting = seat.want({ first: 0, end: 1 }, signal)
  seat.leave()
  await wanting
  t.same(store.pinned, [])
  t.same(swarm.joined, [])
})

t.test('it remembers who sent a piece', async (t) => {
  const { store, session } = openSession()
  store.arrive(0)
  session.noteVerified(1, 'seeder')
  session.noteVerified(2, 'stranger')
  t.equal(session.sender(0), undefined)
  t.equal(session.sender(1), 'seeder')
  t.equal(session.sender(2), 'stranger')
  t.ok(store.has(1), 'the store was told')
})

t.test('closing tells readers why, leaves the swarm, then closes the store', async (t) => {
  const { store, swarm, session } = openSession()
  session.join()
  const reason = new Error('unpublished')
  await session.close(reason)
  await session.close(new Error('again'))
  t.equal(session.gone.reason, reason)
  t.same(swarm.left, [session.infoHash])
  t.ok(store.closed)
})

t.test('hoarding wants every piece until the last is here', async (t) => {
  const { swarm, session } = openSession({ kind: 'library' })
  session.hoard()
  t.equal(swarm.joined[0]?.want.all, true)
  t.ok(session.busy)
  for (let index = 0; index < 4; index++) session.noteVerified(index, 'seeder')
  t.notOk(session.busy)
})

t.test('a small store is left by the last window before the next one comes in', async (t) => {
  const { store, session } = openSession()
  const pin = store.pin
  store.pin = async (span, signal) => {
    if (store.pinned.length > 0) throw new AppError('STORE_FULL', 'full')
    return pin(span, signal)
  }
  const seat = session.sit()
  await seat.want({ first: 0, end: 1 }, signal)
  await seat.want({ first: 1, end: 2 }, signal)
  t.same(store.pinned, [{ start: PIECE, end: 2 * PIECE }])
  await t.rejects(session.sit().want({ first: 0, end: 1 }, signal), { code: 'STORE_FULL' })
  t.equal(store.pinned.length, 1, 'the window of another stays')
})

t.test(
  'asking again repeats the window and calls the fleet when nobody is connected',
  async (t) => {
    const { swarm, session, peer } = openSession()
    const seat = session.sit()
    await seat.want({ first: 0, end: 1 }, signal)
    swarm.see({ peers: 1 })
    await turns()
    seat.askAgain()
    t.equal(swarm.wants.length, 2)
    t.same(swarm.wants[0], swarm.wants[1])
    t.same(swarm.introduced, [])
    swarm.see({ peers: 0 })
    await turns()
    seat.askAgain()
    t.same(swarm.introduced, [peer])
    await session.close(new Error('over'))
    seat.askAgain()
    await turns()
    t.equal(swarm.wants.length, 3, 'not after the end')
  }
)

t.test('content found on the disk ends the hoarding as content from peers does', async (t) => {
  const { store, session } = openSession({ kind: 'library' })
  session.hoard()
  for (let index = 0; index < 4; index++) store.arrive(index)
  t.notOk(session.busy)
})

t.test('only bytes that move count as use', async (t) => {
  const { swarm, session } = openSession()
  session.noteTraffic()
  const before = session.usedAt
  while (Date.now() === before) await new Promise(setImmediate)
  session.noteTraffic()
  t.equal(session.usedAt, before)
  swarm.see({ downloaded: { seeder: 1, gateway: 0, stranger: 0 } })
  session.noteTraffic()
  t.ok(session.usedAt > before)
})
