import t, { type Test } from 'tap'
import { startRounds } from '../../../seeder/hosting/rounds.ts'
import { log } from '../rig.ts'

const CONFIG = { name: 'test', everyMs: 3_600_000, gapMs: 0, retryMs: 1 }

/** A round that can be waited for. */
function counted(t: Test, round: (count: number) => Promise<void>, config = CONFIG) {
  let count = 0
  const waiting = new Map<number, () => void>()
  const rounds = startRounds(
    config,
    async () => {
      count++
      await round(count)
      waiting.get(count)?.()
    },
    log
  )
  t.teardown(() => rounds.close())
  const nth = (n: number) =>
    count >= n ? Promise.resolve() : new Promise<void>((resolve) => waiting.set(n, resolve))
  return { rounds, nth, count: () => count }
}

t.test('the first round runs at once, the next when woken', async (t) => {
  const { rounds, nth, count } = counted(t, async () => {})
  await nth(1)
  t.equal(count(), 1)
  rounds.wake()
  await nth(2)
  t.equal(count(), 2)
})

t.test('whoever wakes it during a round gets another one, and only one', async (t) => {
  const { nth, rounds, count } = counted(t, async (n) => {
    if (n === 1) for (let i = 0; i < 5; i++) rounds.wake()
  })
  await nth(2)
  await new Promise(setImmediate)
  t.equal(count(), 2)
})

t.test('a round that fails is tried again by itself', async (t) => {
  const { nth, count } = counted(t, async (n) => {
    if (n < 3) throw new Error('not yet')
  })
  await nth(3)
  t.equal(count(), 3)
})

t.test('a round comes anyway after a while', async (t) => {
  const { nth, count } = counted(t, async () => {}, { ...CONFIG, everyMs: 1 })
  await nth(3)
  t.ok(count() >= 3)
})

t.test('closing aborts the round and waits for it', async (t) => {
  let ended = false
  const rounds = startRounds(
    CONFIG,
    async (signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      ended = true
    },
    log
  )
  await Promise.all([rounds.close(), rounds.close()])
  t.ok(ended)
})
