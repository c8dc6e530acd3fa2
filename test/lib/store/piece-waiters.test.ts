import t from 'tap'
import { createPieceWaiters } from '../../../lib/store/piece-waiters.ts'

const LATER = new AbortController().signal

t.test('a piece wakes those who wait for it and nobody else', async (t) => {
  const waiters = createPieceWaiters()
  const woken: string[] = []
  const waits = [
    waiters.wait(1, LATER).then(() => woken.push('first')),
    waiters.wait(1, LATER).then(() => woken.push('second'))
  ]
  const other = waiters.wait(2, LATER).then(() => woken.push('other'))
  waiters.wake(1)
  waiters.wake(9)
  await Promise.all(waits)
  t.same(woken, ['first', 'second'])
  waiters.wake(2)
  await other
  t.equal(waiters.size, 0)
})

t.test('a waiter that leaves is forgotten, and its signal too', async (t) => {
  const waiters = createPieceWaiters()
  const leaving = new AbortController()
  const { signal } = leaving
  let listeners = 0
  const counted: AbortSignal = new Proxy(signal, {
    get(target, key) {
      const value = Reflect.get(target, key, target)
      if (key === 'addEventListener') listeners++
      if (key === 'removeEventListener') listeners--
      return typeof value === 'function' ? value.bind(target) : value
    }
  })
  const waits = Array.from({ length: 100 }, (_, index) => waiters.wait(index % 3, counted))
  t.equal(waiters.size, 100)
  t.equal(listeners, 100)
  const gone = Promise.allSettled(waits)
  leaving.abort(new Error('left'))
  t.ok((await gone).every(({ status }) => status === 'rejected'))
  t.equal(waiters.size, 0)
  t.equal(listeners, 0)
  await t.rejects(waiters.wait(1, signal), { message: 'left' })
})

t.test('the end is told to all who wait and to all who come later', async (t) => {
  const waiters = createPieceWaiters()
  const waiting = waiters.wait(1, LATER)
  waiters.end(new Error('closed'))
  await t.rejects(waiting, { message: 'closed' })
  await t.rejects(waiters.wait(2, LATER), { message: 'closed' })
  t.equal(waiters.size, 0)
})
