import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { AppError } from '../../../core/errors.ts'
import { createLingering, type LingeringConfig } from '../../../lib/node/lingering.ts'
import { createSeats } from '../../../lib/node/seats.ts'
import { createSession } from '../../../lib/node/session.ts'
import { memoryStore } from '../../fakes/memory-store.ts'
import { recordingSwarm } from '../../fakes/recording-swarm.ts'
import { turns } from './node-rig.ts'

const PIECE = 16384
const bytes = randomBytes(40 * PIECE)
const signal = new AbortController().signal
const span = (first: number, end: number) => ({ first, end })
const later = true

function open(t: Test, config: Partial<LingeringConfig> = {}) {
  const store = memoryStore(bytes)
  const lingering = createLingering({ ms: 60_000, maxCount: 8, maxBytes: 32 * PIECE, ...config })
  t.teardown(() => lingering.close())
  let changes = 0
  const seats = createSeats({ store, lingering, changed: () => void changes++ })
  return { store, lingering, seats, changes: () => changes }
}

t.test('a window that is all here is wanted of nobody, and none twice', async (t) => {
  const { store, seats } = open(t)
  store.arrive(0)
  store.arrive(1)
  for (const window of [span(0, 2), span(1, 3), span(1, 3), span(5, 6)]) {
    await seats.sit().want(window, signal)
  }
  t.same(seats.windows(), [span(1, 3), span(5, 6)])
  t.equal(seats.count, 4)
  store.noteFailed(0)
  t.same(seats.windows()[0], span(0, 2), 'what is lost is wanted again')
})

t.test('a window that is left half-fetched lingers, behind those that are read', async (t) => {
  const { store, seats } = open(t)
  const [one, two] = [seats.sit(), seats.sit()]
  await one.want(span(0, 2), signal)
  await two.want(span(10, 12), signal)
  store.arrive(0)
  one.leave()
  one.leave()
  t.same(seats.windows(), [span(10, 12), { ...span(0, 2), later }])
  t.equal(seats.count, 1)
  t.equal(store.pinned.length, 2, 'and keeps its place in the store')
  store.arrive(1)
  t.same(seats.windows(), [span(10, 12)], 'until it is complete')
})

t.test('a window with everything here does not linger', async (t) => {
  const { store, seats } = open(t)
  for (const index of [0, 1]) store.arrive(index)
  const seat = seats.sit()
  await seat.want(span(0, 2), signal)
  seat.leave()
  t.same(store.pinned, [])
})

t.test('what lingers is bounded, and gone when its time is over', async (t) => {
  const { store, seats, lingering } = open(t, { maxCount: 3 })
  for (let first = 0; first < 10; first += 2) {
    const seat = seats.sit()
    await seat.want(span(first, first + 2), signal)
    seat.leave()
  }
  t.equal(seats.windows().length, 3)
  t.equal(store.pinned.length, 3)
  lingering.clear()
  t.same(seats.windows(), [])
  t.same(store.pinned, [])
})

t.test('a window of which there is too much to linger ends with its reader', async (t) => {
  const { store, seats } = open(t)
  const seat = seats.sit()
  await seat.want(span(0, 40), signal)
  seat.leave()
  t.same([seats.windows(), store.pinned], [[], []])
})

t.test('what lingers makes room for who reads', async (t) => {
  const { store, seats } = open(t)
  const pin = store.pin
  store.pin = async (span, signal) => {
    if (store.pinned.length > 0) throw new AppError('STORE_FULL', 'full')
    return pin(span, signal)
  }
  const seat = seats.sit()
  await seat.want(span(0, 2), signal)
  seat.leave()
  t.equal(seats.windows().length, 1)
  await seats.sit().want(span(10, 12), signal)
  t.same(seats.windows(), [span(10, 12)])
  await t.rejects(seats.sit().want(span(20, 22), signal), { code: 'STORE_FULL' })
})

t.test('what a player will ask for is wanted once, behind what it waits for', async (t) => {
  const { store, seats } = open(t)
  const edges = [span(0, 2), span(38, 40)]
  store.arrive(38)
  store.arrive(39)
  const [one, two] = [seats.sit(), seats.sit()]
  await one.foresee(7, edges, signal)
  await two.foresee(7, [span(20, 22)], signal)
  await two.want(span(4, 6), signal)
  t.same(seats.windows(), [span(4, 6), { ...span(0, 2), later }], 'the tail was here')
  await two.foresee(8, [span(30, 31)], signal)
  t.equal(seats.windows().length, 3, 'another file has its own')
  one.leave()
  two.leave()
  t.equal(store.pinned.length, 3, 'all of it lingers')
})

t.test('where there is no room nothing is foreseen, and nobody hears of it', async (t) => {
  const { store, seats, changes } = open(t)
  store.pin = () => Promise.reject(new AppError('STORE_FULL', 'full'))
  await seats.sit().foresee(0, [span(0, 2)], signal)
  t.same(seats.windows(), [])
  t.equal(changes(), 0)
})

t.test('a reader that leaves while room is made leaves nothing behind', async (t) => {
  const { store, seats } = open(t)
  const seat = seats.sit()
  const work = [seat.want(span(0, 2), signal), seat.foresee(0, [span(20, 22)], signal)]
  seat.leave()
  await Promise.all(work)
  t.same([seats.windows(), store.pinned], [[], []])
})

t.test('at the end of the session nothing lingers', async (t) => {
  const { store, seats } = open(t)
  const seat = seats.sit()
  await seat.want(span(0, 2), signal)
  seat.leave()
  seats.end()
  t.same([seats.windows(), store.pinned], [[], []])
})

t.test('a thousand readers that move in one turn are two messages', async (t) => {
  const store = memoryStore(bytes)
  const swarm = recordingSwarm({ peers: 1 })
  const session = createSession(store, { swarm, fleetPeers: () => [], onJoin: () => {} })
  const seats = Array.from({ length: 1000 }, () => session.sit())
  await Promise.all(seats.map((seat) => seat.want(span(0, 2), signal)))
  await turns()
  t.equal(swarm.wants.length, 1, 'all want the same')
  for (const [at, seat] of seats.entries()) void seat.want(span(at % 30, 40), signal)
  await turns()
  t.ok(swarm.wants.length <= 3)
  t.equal(swarm.wants.at(-1)?.windows.length, 30)
  for (const seat of seats) seat.leave()
  await turns()
  t.ok(swarm.wants.length <= 5)
  t.same(swarm.wants.at(-1)?.windows, [])
})
