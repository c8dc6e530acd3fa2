import t, { type Test } from 'tap'
import { createLingering, type LingeringConfig } from '../../../lib/node/lingering.ts'

function open(t: Test, config: Partial<LingeringConfig> = {}) {
  const lingering = createLingering({ ms: 60_000, maxCount: 10, maxBytes: 1000, ...config })
  t.teardown(() => lingering.close())
  const gone: string[] = []
  const keep = (name: string, bytes = 1) => lingering.keep(bytes, () => void gone.push(name))
  return { lingering, gone, keep }
}

t.test('what lingers goes when its time is over, in the order it came', async (t) => {
  const { lingering, gone, keep } = open(t, { ms: 5 })
  keep('first')
  keep('second')
  t.same(gone, [])
  await new Promise<void>((resolve) => lingering.keep(1, resolve))
  t.same(gone, ['first', 'second'])
  await new Promise<void>((resolve) => lingering.keep(1, resolve))
  t.pass('the clock runs again for what comes later')
})

t.test('at the limit of number or bytes the oldest makes way', async (t) => {
  const { gone, keep } = open(t, { maxCount: 3, maxBytes: 100 })
  for (const name of ['a', 'b', 'c', 'd']) keep(name)
  t.same(gone, ['a'])
  keep('large', 99)
  t.same(gone, ['a', 'b', 'c'])
  keep('too large', 101)
  t.same(gone, ['a', 'b', 'c', 'too large'], 'that one does not stay at all')
})

t.test('when room is needed everything goes at once', async (t) => {
  const { lingering, gone, keep } = open(t)
  t.equal(lingering.clear(), false)
  keep('a')
  keep('b')
  t.equal(lingering.clear(), true)
  t.same(gone, ['a', 'b'])
  t.equal(lingering.clear(), false)
})

t.test('after the end nothing lingers', async (t) => {
  const { lingering, gone, keep } = open(t)
  keep('a')
  await lingering.close()
  keep('b')
  t.same(gone, ['a', 'b'])
})
