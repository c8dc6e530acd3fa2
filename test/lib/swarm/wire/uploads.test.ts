/** Who is served next, with which buffer, how fast. */
import t from 'tap'
import {
  allocateRateLimit,
  createRateLimit,
  type RateLimit,
  UNLIMITED
} from '../../../../lib/swarm/wire/rate-limit.ts'
import { createUploads, type PeerUploads } from '../../../../lib/swarm/wire/uploads.ts'
import { BLOCK, type FakePeer, fakePeer, fakeSource, KiB, PIECE, settled } from './upload-fakes.ts'

const RUN = 8 * BLOCK
const START = Date.UTC(2026, 0, 1)

/** A clock that only `pass` moves, and what was to be called later. */
function setup(rate: RateLimit = UNLIMITED) {
  const clock = { now: START, timers: new Map<() => void, number>() }
  const later = (fn: () => void, ms: number) => {
    clock.timers.set(fn, clock.now + ms)
    return () => void clock.timers.delete(fn)
  }
  const uploads = createUploads({ rate, now: () => clock.now, later })
  async function pass(ms: number): Promise<void> {
    for (const end = clock.now + ms; clock.now < end; clock.now++) {
      for (const [fn, at] of clock.timers) {
        if (at > clock.now) continue
        clock.timers.delete(fn)
        fn()
      }
      await settled()
    }
  }
  return { clock, uploads, pass }
}

const limit = (rate: number) => createRateLimit(allocateRateLimit(), rate)

/** So many blocks from the first of a piece on. */
function ask(line: PeerUploads, piece: number, count: number): void {
  for (let nth = 0; nth < count; nth++) {
    const at = piece * PIECE + nth * BLOCK
    line.request(Math.floor(at / PIECE), at % PIECE, BLOCK)
  }
}

const sent = (peers: readonly FakePeer[]) =>
  peers.reduce((total, { sentBytes }) => total + sentBytes, 0)

t.test('what is read at a time is bounded, and the next read begins when one ends', async (t) => {
  const { uploads } = setup()
  const from = fakeSource()
  from.slow = true
  for (let nth = 0; nth < 10; nth++) {
    ask(uploads.open(fakePeer({ host: `192.0.2.${nth}` }).peer, from.source), nth, 8)
  }
  await settled()
  t.equal(from.reads.length, 3)
  await from.go()
  t.equal(from.reads.length, 6)
})

t.test('the node keeps its rate, and everybody has an equal part of it', async (t) => {
  const rate = 1024 * KiB
  const { uploads, pass, clock } = setup(limit(rate))
  const { source } = fakeSource()
  const peers = [1, 2, 3, 4].map((nth) => fakePeer({ host: `192.0.2.${nth}`, eager: true }))
  for (const { peer } of peers) ask(uploads.open(peer, source), 0, 200)
  await pass(4000)
  const least = (rate * (clock.now - START)) / 1000
  t.ok(sent(peers) >= least - RUN, 'nothing is left unused')
  t.ok(sent(peers) <= least + 128 * KiB, 'no more than the rate and a burst')
  for (const { sentBytes } of peers) t.ok(Math.abs(sentBytes - least / 4) <= RUN, `${sentBytes}`)
  uploads.close()
  t.equal(clock.timers.size, 0)
})

t.test('many connections of one address have the part of one', async (t) => {
  const { uploads, pass } = setup(limit(1024 * KiB))
  const { source } = fakeSource()
  const one = fakePeer({ host: '192.0.2.1', eager: true })
  const crowd = Array.from({ length: 20 }, () => fakePeer({ host: '192.0.2.2', eager: true }))
  for (const { peer } of [...crowd, one]) ask(uploads.open(peer, source), 0, 200)
  await pass(2000)
  t.ok(Math.abs(one.sentBytes - sent(crowd)) <= 2 * RUN, `${one.sentBytes} ${sent(crowd)}`)
  uploads.close()
})

t.test('gateways have most of the rate, and strangers never nothing', async (t) => {
  const { uploads, pass } = setup(limit(1024 * KiB))
  const { source } = fakeSource()
  const stranger = fakePeer({ eager: true })
  const peers = [2, 3, 4].map((nth) =>
    fakePeer({ host: `192.0.2.${nth}`, peerClass: 'gateway', eager: true })
  )
  for (const { peer } of [stranger, ...peers]) ask(uploads.open(peer, source), 0, 400)
  await pass(4000)
  t.ok(stranger.sentBytes > 0)
  t.ok(Math.abs(sent(peers) / stranger.sentBytes - 8) < 3)
  uploads.close()
})

t.test('a torrent that used up its own rate does not stop another', async (t) => {
  const { uploads, pass, clock } = setup()
  const [slow, free] = [fakePeer({ eager: true }), fakePeer({ eager: true })]
  ask(uploads.open(slow.peer, fakeSource(limit(100 * KiB)).source), 0, 300)
  ask(uploads.open(free.peer, fakeSource().source), 0, 300)
  await pass(1000)
  t.equal(free.sentBytes, 300 * BLOCK)
  t.ok(slow.sentBytes <= 228 * KiB && slow.sentBytes >= 190 * KiB, `${slow.sentBytes}`)
  uploads.close()
  t.equal(clock.timers.size, 0)
})

t.test('tokens of what was not given after all are given back', async (t) => {
  const shared = limit(1000 * KiB)
  const { uploads } = setup(shared)
  const from = fakeSource()
  from.answer = false
  ask(uploads.open(fakePeer().peer, from.source), 0, 8)
  await settled()
  t.ok(shared.take(128 * KiB, START) >= 128 * KiB - 16)
})

/** Strangers who read nothing, until no slab is left for them. */
async function siege() {
  const made = setup()
  const { source } = fakeSource()
  const lines: PeerUploads[] = []
  const slow = Array.from({ length: 300 }, (_, nth) => fakePeer({ host: `198.51.${nth}.1` }))
  for (const { peer } of slow) {
    const line = made.uploads.open(peer, source)
    ask(line, 0, 20)
    lines.push(line)
  }
  for (let turn = 0; turn < 150; turn++) await settled()
  return { ...made, source, slow, lines }
}

t.test('strangers who read nothing do not hold what the fleet needs', async (t) => {
  const { uploads, source } = await siege()
  t.equal(uploads.slabsOut, 192)
  const gateway = fakePeer({ peerClass: 'gateway', eager: true })
  ask(uploads.open(gateway.peer, source), 5, 16)
  for (let turn = 0; turn < 5; turn++) await settled()
  t.equal(gateway.sentBytes, 16 * BLOCK)
})

t.test('while others wait for slabs, who reads nothing is dropped sooner', async (t) => {
  const { uploads, source, slow, lines, clock } = await siege()
  const honest = fakePeer({ host: '203.0.113.1', eager: true })
  ask(uploads.open(honest.peer, source), 5, 16)
  clock.now += 5100
  for (const line of lines) line.sweep(clock.now)
  const dropped = slow.filter((one) => one.dropped.length > 0)
  t.ok(dropped.length > 0)
  for (const one of dropped) one.takeAll()
  for (let turn = 0; turn < 150; turn++) await settled()
  t.equal(honest.sentBytes, 16 * BLOCK)
})

t.test('a peer whose piece is gone does not stop the others', async (t) => {
  const { uploads } = setup()
  const from = fakeSource()
  const [unlucky, lucky] = [fakePeer({ fast: false }), fakePeer({ host: '192.0.2.2' })]
  ask(uploads.open(unlucky.peer, from.source), 1, 3)
  ask(uploads.open(lucky.peer, from.source), 2, 3)
  from.missing.add(1)
  await settled()
  t.equal(unlucky.dropped.length, 1)
  t.equal(lucky.sentBytes, 3 * BLOCK)
})

t.test('a peer that may ask again after its choke is served again', async (t) => {
  const { uploads } = setup()
  const fake = fakePeer({ fast: false })
  const line = uploads.open(fake.peer, fakeSource().source)
  ask(line, 0, 3)
  line.choke()
  await settled()
  t.equal(fake.sentBytes, 0)
  ask(line, 0, 3)
  await settled()
  t.equal(fake.sentBytes, 3 * BLOCK)
})

t.test('memory that nobody used for a while is given back', async (t) => {
  const { uploads, clock } = setup()
  const memory: unknown[] = []
  const { source } = fakeSource()
  const line = uploads.open(fakePeer({ eager: true }).peer, {
    ...source,
    readRun(offset, views) {
      memory.push(views[0]?.buffer)
      return source.readRun(offset, views)
    }
  })
  for (const idleMs of [0, 9000, 11_000]) {
    clock.now += idleMs
    line.sweep(clock.now)
    ask(line, 0, 1)
    await settled()
  }
  t.equal(memory[1], memory[0])
  t.not(memory[2], memory[1])
})

t.test('after the close nothing more is read', async (t) => {
  const { uploads } = setup()
  const from = fakeSource()
  const fake = fakePeer()
  const line = uploads.open(fake.peer, from.source)
  ask(line, 0, 8)
  uploads.close()
  uploads.close()
  ask(line, 1, 8)
  await settled()
  t.same(from.reads, [])
})
