/** The requests of one peer: what is served, refused, bounded. */
import t from 'tap'
import { UNLIMITED } from '../../../../lib/swarm/wire/rate-limit.ts'
import { MAX_QUEUED } from '../../../../lib/swarm/wire/upload-requests.ts'
import { createUploads } from '../../../../lib/swarm/wire/uploads.ts'
import { BLOCK, fakePeer, fakeSource, GEOMETRY, KiB, PIECE, settled } from './upload-fakes.ts'

function open(fast = true) {
  const clock = { now: 1_000_000 }
  const uploads = createUploads({ rate: UNLIMITED, now: () => clock.now })
  const fake = fakePeer({ fast })
  const from = fakeSource()
  const line = uploads.open(fake.peer, from.source)
  const ask = (first: number, count: number) => {
    for (let nth = first; nth < first + count; nth++) {
      line.request(Math.floor((nth * BLOCK) / PIECE), (nth * BLOCK) % PIECE, BLOCK)
    }
  }
  const sweepAfter = (ms: number) => {
    clock.now += ms
    line.sweep(clock.now)
  }
  return { uploads, fake, from, line, ask, sweepAfter }
}

t.test('requests that follow one another are one read and one write', async (t) => {
  const { fake, from, ask } = open()
  ask(14, 5)
  await settled()
  t.same(from.reads, [{ offset: 14 * BLOCK, lengths: Array(5).fill(BLOCK) }])
  t.same(fake.writes, [5])
  t.same(fake.blocks[2], { index: 1, begin: 0, length: BLOCK })
  t.equal(fake.sentBytes, 5 * BLOCK)
})

t.test('blocks of any length up to 128 KiB are given, the short last one too', async (t) => {
  const { fake, line, uploads } = open()
  const last = GEOMETRY.pieceCount - 1
  line.request(3, 5, 1)
  line.request(3, 6, 1000)
  line.request(4, PIECE - 128 * KiB, 128 * KiB)
  line.request(last, PIECE - 1000 - 500, 500)
  for (let turn = 0; turn < 4; turn++) {
    await settled()
    fake.takeAll()
  }
  t.same(
    fake.blocks.map(({ index, length }) => [index, length]),
    [
      [3, 1],
      [3, 1000],
      [4, 128 * KiB],
      [last, 500]
    ]
  )
  t.equal(uploads.slabsOut, 0)
})

t.test('a request that is no block ends the connection', async (t) => {
  const last = GEOMETRY.pieceCount - 1
  const bad: [number, number, number][] = [
    [-1, 0, BLOCK],
    [last + 1, 0, BLOCK],
    [2 ** 32 - 1, 0, BLOCK],
    [0, -1, BLOCK],
    [0, 2 ** 32 - 1, BLOCK],
    [0, 0, 0],
    [0, 0, -1],
    [0, 0, 128 * KiB + 1],
    [0, PIECE - 1, 2],
    [last, PIECE - 1000, 1],
    [Number.NaN, 0, 1]
  ]
  for (const request of bad) {
    for (const how of ['request', 'refuse'] as const) {
      const { fake, line } = open()
      line[how](...request)
      t.equal(fake.dropped.length, 1, request.join(' '))
      line.request(0, 0, BLOCK)
      await settled()
      t.same([fake.blocks, fake.rejected], [[], []], 'nothing is heard of it any more')
    }
  }
})

t.test('what is not there is rejected, without BEP 6 the peer is disconnected', async (t) => {
  for (const fast of [true, false]) {
    const { fake, from, line } = open(fast)
    from.missing.add(3)
    line.request(3, 0, BLOCK)
    t.equal(fake.rejected.length, fast ? 1 : 0)
    t.equal(fake.dropped.length, fast ? 0 : 1)
  }
})

t.test('who may not ask is rejected, without BEP 6 it is not answered', async (t) => {
  const [fast, old] = [open(), open(false)]
  fast.line.refuse(3, 0, BLOCK)
  old.line.refuse(3, 0, BLOCK)
  t.equal(fast.fake.rejected.length, 1)
  t.same([old.fake.rejected, old.fake.dropped], [[], []], 'the choke was still on its way')
})

t.test('a piece that goes while its request waits is rejected, the others are given', async (t) => {
  const { fake, from, line } = open()
  line.request(1, 0, BLOCK)
  line.request(2, 0, BLOCK)
  line.request(3, 0, BLOCK)
  from.missing.add(2)
  for (let turn = 0; turn < 3; turn++) {
    await settled()
    fake.takeAll()
  }
  t.same(
    fake.blocks.map(({ index }) => index),
    [1, 3]
  )
  t.same(
    fake.rejected.map(({ index }) => index),
    [2]
  )
})

t.test('what turns out not to be there, or a disk that fails, is a reject', async (t) => {
  for (const answer of [false, new Error('the disk is on fire')]) {
    const { fake, from, uploads, ask } = open()
    from.answer = answer
    ask(0, 3)
    await settled()
    t.equal(fake.rejected.length, 3)
    t.same([fake.blocks, fake.dropped, uploads.slabsOut], [[], [], 0])
  }
})

t.test('a cancel takes a waiting request out, and BEP 6 wants an answer to it', async (t) => {
  for (const fast of [true, false]) {
    const { fake, line, ask } = open(fast)
    ask(0, 3)
    line.cancel(0, BLOCK, BLOCK)
    line.cancel(0, BLOCK, BLOCK)
    line.cancel(7, 7, 7)
    t.equal(line.waiting, 2)
    await settled()
    fake.takeAll()
    await settled()
    t.same(
      fake.blocks.map(({ begin }) => begin),
      [0, 2 * BLOCK]
    )
    t.equal(fake.rejected.length, fast ? 1 : 0)
  }
})

t.test('a cancel of what is being read changes nothing', async (t) => {
  const { fake, from, line, ask } = open()
  from.slow = true
  ask(0, 1)
  await settled()
  line.cancel(0, 0, BLOCK)
  await from.go()
  t.equal(fake.blocks.length, 1)
  t.same(fake.rejected, [], 'one answer to each request')
})

t.test('a choke drops what waits, and without BEP 6 what is being read too', async (t) => {
  for (const fast of [true, false]) {
    const { fake, from, line, uploads, ask } = open(fast)
    from.slow = true
    ask(0, 2)
    await settled()
    ask(5, 3)
    line.choke()
    t.equal(line.waiting, 0)
    t.equal(fake.rejected.length, fast ? 3 : 0)
    await from.go()
    t.equal(fake.blocks.length, fast ? 2 : 0)
    fake.takeAll()
    t.equal(uploads.slabsOut, 0)
  }
})

t.test('a peer that reads nothing pins one small run, and its queue is bounded', async (t) => {
  const { fake, line, uploads } = open()
  for (let nth = 0; nth < MAX_QUEUED + 500; nth++) {
    line.request(1, 0, 128 * KiB)
    if (nth % 100 === 0) await settled()
  }
  await settled()
  t.equal(fake.blocks.length, 1)
  t.equal(uploads.slabsOut, 1)
  t.equal(line.waiting, MAX_QUEUED)
  t.equal(fake.rejected.length, 499)
})

t.test('a peer that has taken much gets long runs, one sent while the next is read', async (t) => {
  const { fake, ask, uploads, from } = open()
  for (let nth = 0; fake.sentBytes < 16 * 1024 * KiB; nth++) {
    ask((nth % 90) * 8, 8)
    await settled()
    fake.takeAll()
  }
  t.ok(fake.writes.every((messages) => messages <= 8))
  const before = fake.writes.length
  ask(0, 200)
  await settled()
  t.same(fake.writes.slice(before), [64], 'the mark of unsent bytes is reached')
  t.equal(from.reads.at(-1)?.lengths.length, 64)
  for (let turn = 0; turn < 5; turn++) {
    fake.takeAll()
    await settled()
  }
  t.same(fake.writes.slice(before), [64, 64, 64, 8])
  t.equal(uploads.slabsOut, 0)
})

t.test('a peer that goes on being refused is dropped', async (t) => {
  const { fake, from, line } = open()
  from.missing.add(9)
  for (let nth = 0; nth < 2000; nth++) line.request(9, 0, BLOCK)
  t.equal(fake.rejected.length, 1000)
  t.equal(fake.dropped.length, 1)
})

t.test('blocks given make up for refusals', async (t) => {
  const { fake, from, line, ask } = open()
  from.missing.add(99)
  for (let round = 0; round < 300; round++) {
    for (let nth = 0; nth < 8; nth++) line.request(99, 0, 10)
    ask(0, 8)
    await settled()
    fake.takeAll()
  }
  t.equal(fake.rejected.length, 2400)
  t.same(fake.dropped, [])
})

t.test('a peer that takes nothing for 30 s while bytes wait is dropped', async (t) => {
  const { sweepAfter, fake, ask } = open()
  ask(0, 16)
  await settled()
  sweepAfter(20_000)
  fake.take()
  await settled()
  sweepAfter(20_000)
  t.same(fake.dropped, [], 'it took something meanwhile')
  sweepAfter(11_000)
  t.equal(fake.dropped.length, 1)
})

t.test('a peer that takes a byte now and then is dropped too', async (t) => {
  const { sweepAfter, fake, ask } = open()
  ask(0, 8)
  await settled()
  for (let nth = 0; nth < 12; nth++) {
    fake.takeSome(1)
    sweepAfter(10_000)
  }
  t.same(fake.dropped, [])
  fake.takeSome(1)
  sweepAfter(1000)
  t.equal(fake.dropped.length, 1, 'a run has to be taken in two minutes')
})

t.test('a peer for which nothing waits may be silent for hours', async (t) => {
  const { sweepAfter, fake } = open()
  for (let hour = 0; hour < 3; hour++) sweepAfter(3_600_000)
  t.same(fake.dropped, [])
})

t.test('the end of a connection gives everything back', async (t) => {
  const { fake, from, line, uploads, ask } = open()
  ask(0, 20)
  await settled()
  from.slow = true
  fake.take()
  await settled()
  t.equal(from.reads.length, 2)
  line.close()
  line.close()
  t.equal(line.waiting, 0)
  await from.go()
  fake.takeAll()
  t.equal(uploads.slabsOut, 0)
  t.equal(fake.blocks.length, 8, 'nothing is written after the end')
})
