/** A rate that several threads keep together. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import t from 'tap'
import {
  allocateRateLimit,
  createRateLimit,
  UNLIMITED
} from '../../../../lib/swarm/wire/rate-limit.ts'

const START = Date.UTC(2026, 0, 1)
const MiB = 2 ** 20
const BURST = 128 * 1024

const limitOf = (rate: number) => createRateLimit(allocateRateLimit(), rate)

t.test('a rested limit grants a burst at once, then its rate', async (t) => {
  const limit = limitOf(MiB)
  t.equal(limit.take(10 * MiB, START), BURST)
  t.equal(limit.take(1, START), 0)
  t.equal(limit.take(10 * MiB, START + 50), Math.floor(MiB / 20))
  t.equal(limit.take(10 * MiB, START + 60_000), BURST, 'a pause earns no more than a burst')
})

t.test('nothing is granted when nothing is asked', async (t) => {
  const limit = limitOf(1)
  t.equal(limit.take(0, START), 0)
  t.equal(limit.take(-5, START), 0)
  t.equal(limit.take(BURST, START), BURST)
})

t.test('what is given back can be taken again', async (t) => {
  const limit = limitOf(MiB)
  limit.take(BURST, START)
  limit.giveBack(1000)
  t.ok(Math.abs(limit.take(BURST, START) - 1000) <= 1)
  limit.giveBack(0)
  t.equal(limit.take(BURST, START), 0)
})

t.test('after the wait it names, and not before, a block is granted', async () => {
  const rates = fc.integer({ min: 1, max: 20_000_000_000 })
  const blocks = fc.integer({ min: 1, max: BURST })
  fc.assert(
    fc.property(rates, blocks, fc.nat(BURST), (rate, block, left) => {
      const limit = limitOf(rate)
      limit.take(2 ** 40, START)
      limit.giveBack(left)
      const wait = limit.waitMs(block, START)
      const before = limit.waitMs(block, START + wait - 1)
      return (wait === 0 || before === 1) && limit.take(block, START + wait) === block
    })
  )
})

t.test('over any time no more is granted than the rate and a burst', async () => {
  const steps = fc.array(fc.tuple(fc.nat(200), fc.nat(MiB)), { maxLength: 60 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 * MiB }), steps, (rate, takes) => {
      const memory = allocateRateLimit()
      const views = [createRateLimit(memory, rate), createRateLimit(memory, rate)]
      let now = START
      let granted = 0
      for (const [nth, [pause, bytes]] of takes.entries()) {
        now += pause
        granted += views[nth % 2]?.take(bytes, now) ?? 0
      }
      return granted <= Math.max(BURST, rate / 8) + (rate * (now - START)) / 1000
    })
  )
})

t.test('a clock that jumps costs and earns one burst at most', async (t) => {
  const limit = limitOf(MiB)
  limit.take(10 * MiB, START)
  const past = START - 3_600_000
  t.ok(limit.waitMs(BURST, past) <= 125, 'back: no hour of waiting')
  t.equal(limit.take(10 * MiB, past), 0)
  t.equal(limit.take(10 * MiB, past + 125), BURST)
  t.equal(limit.take(10 * MiB, START), BURST, 'forth: no hour of bytes')
})

t.test('a thread that is a moment behind earns nothing by it', async (t) => {
  const limit = limitOf(MiB)
  limit.take(10 * MiB, START)
  t.equal(limit.take(10 * MiB, START - 20), 0)
  t.equal(limit.take(10 * MiB, START), 0)
})

t.test('threads that take at once are granted the burst once', async (t) => {
  const memory = allocateRateLimit()
  const gate = new SharedArrayBuffer(4)
  const rate = 80 * MiB
  const workerData = { memory, gate, rate, now: START }
  const entry = new URL('rate-limit-taker.ts', import.meta.url)
  const threads = [1, 2, 3].map(() => new Worker(entry, { workerData }))
  t.teardown(() => Promise.all(threads.map((thread) => thread.terminate())))
  await Promise.all(threads.map((thread) => once(thread, 'message')))
  const answers = threads.map((thread) => once(thread, 'message'))
  Atomics.store(new Int32Array(gate), 0, 1)
  Atomics.notify(new Int32Array(gate), 0)
  const taken = (await Promise.all(answers)).map(([bytes]) => Number(bytes))
  const total = taken.reduce((sum, bytes) => sum + bytes, 0)
  t.ok(total <= rate / 8, `${total} of ${rate / 8}`)
  t.ok(total > rate / 8 - 50_000, 'rounding costs next to nothing')
})

t.test('a rate that is none is refused', async (t) => {
  for (const rate of [0, -1, 1.5, Number.NaN, Infinity]) t.throws(() => limitOf(rate), RangeError)
})

t.test('without a limit everything is granted', async (t) => {
  t.equal(UNLIMITED.take(MiB, START), MiB)
  t.equal(UNLIMITED.waitMs(MiB, START), 0)
  UNLIMITED.giveBack(1)
})
