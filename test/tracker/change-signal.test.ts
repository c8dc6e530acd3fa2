import t from 'tap'
import { createChangeSignal } from '../../tracker/change-signal.ts'

t.test('a change wakes everybody who waits', async () => {
  const signal = createChangeSignal({ maxWaiters: 3 })
  const waiting = [1, 2, 3].map(() => signal.wait(signal.turn, 60_000))
  signal.raise()
  await Promise.all(waiting)
})

t.test('a change between looking and waiting is not missed', async () => {
  const signal = createChangeSignal({ maxWaiters: 1 })
  const seen = signal.turn
  signal.raise()
  await signal.wait(seen, 60_000)
})

t.test('one waiter too many is refused and told to come back', async (t) => {
  const signal = createChangeSignal({ maxWaiters: 1 })
  const waiting = signal.wait(signal.turn, 60_000)
  await t.rejects(signal.wait(signal.turn, 60_000), { code: 'TRACKER_UNAVAILABLE', retryAfter: 5 })
  signal.raise()
  await waiting
  const again = signal.wait(signal.turn, 60_000)
  signal.close()
  await again
})

t.test('whoever gives up makes room', async (t) => {
  const signal = createChangeSignal({ maxWaiters: 1 })
  const controller = new AbortController()
  const leaving = signal.wait(signal.turn, 60_000, controller.signal)
  controller.abort(new Error('gone'))
  await t.rejects(leaving, { message: 'gone' })
  await t.rejects(signal.wait(signal.turn, 60_000, controller.signal), { message: 'gone' })
  await signal.wait(signal.turn, 1)
})

t.test('nobody waits on what is closed', async () => {
  const signal = createChangeSignal({ maxWaiters: 1 })
  signal.close()
  await signal.wait(signal.turn, 60_000)
})
