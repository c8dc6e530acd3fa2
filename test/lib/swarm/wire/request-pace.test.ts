import t from 'tap'
import { RequestPace } from '../../../../lib/swarm/wire/request-pace.ts'
import { BLOCK_BYTES, MAX_OUTSTANDING } from '../../../../lib/swarm/wire/request-queue.ts'

/** A line of so many blocks per second, kept full for `ms`; the answer is when it ends. */
function run(pace: RequestPace, from: number, ms: number, perSecond: number, tripMs: number) {
  let sent = 0
  let now = from
  for (; now < from + ms; now += 10) {
    const most = (pace.depth * 1000) / tripMs
    const due = (Math.min(perSecond, most) * (now - from)) / 1000
    for (; sent < due; sent++) pace.block(BLOCK_BYTES, tripMs, now)
    if (now % 100 === 0) pace.tick(now, pace.depth)
  }
  return now
}

t.test('a fast line far away is asked for as much as fills it', async (t) => {
  const pace = new RequestPace(0)
  run(pace, 0, 5000, 2000, 100)
  t.ok(pace.depth >= 200, `${pace.depth} blocks ahead, 200 fill the line`)
  t.ok(Math.abs(pace.rate / BLOCK_BYTES - 2000) < 200)
})

t.test('a slow line is asked for little', async (t) => {
  const pace = new RequestPace(0)
  run(pace, 0, 10_000, 5, 20)
  t.ok(pace.depth <= 8, `${pace.depth} blocks ahead`)
  t.ok(Math.abs(pace.rate / BLOCK_BYTES - 5) < 2)
})

t.test('a line that gets faster is asked for more within a second or two', async (t) => {
  const pace = new RequestPace(0)
  const now = run(pace, 0, 5000, 20, 20)
  const before = pace.depth
  run(pace, now, 5000, 5000, 20)
  t.ok(pace.depth >= 100 && before < 20, `from ${before} to ${pace.depth}`)
})

t.test('a peer that is asked for nothing keeps its rate and its depth', async (t) => {
  const pace = new RequestPace(0)
  const now = run(pace, 0, 5000, 2000, 100)
  const { depth, rate } = pace
  for (let later = now; later < now + 10_000; later += 100) pace.tick(later, 0)
  t.equal(pace.depth, depth)
  t.ok(pace.rate > rate / 2)
})

t.test('a peer that owes blocks and sends none is not taken for fast', async (t) => {
  const pace = new RequestPace(0)
  const now = run(pace, 0, 5000, 2000, 100)
  pace.tick(now + 500, 10)
  pace.tick(now + 1000, 10)
  t.ok(pace.rate <= 2 * BLOCK_BYTES)
  for (let later = now; later < now + 5000; later += 100) pace.tick(later, 10)
  t.equal(pace.rate, 0)
})

t.test('what a peer says it takes is never exceeded, nor our own bound', async (t) => {
  const pace = new RequestPace(0)
  pace.limit(5)
  t.equal(pace.depth, 5)
  pace.limit(0)
  t.equal(pace.depth, 1)
  pace.limit(1e9)
  run(pace, 0, 20_000, 100_000, 200)
  t.ok(pace.depth <= MAX_OUTSTANDING)
})

t.test('a peer that refuses is asked for less, down to one block', async (t) => {
  const pace = new RequestPace(0)
  for (let count = 0; count < 20; count++) pace.refused()
  t.equal(pace.depth, 1)
  pace.block(BLOCK_BYTES, 10, 10)
  t.equal(pace.depth, 2, 'and for more when it gives again')
})
