import t from 'tap'
import { type Paced, slowest } from '../../../lib/http/shedding.ts'

const config = { windowMs: 60_000, leastRate: 1000 }

function response(name: string, bytes: number, atMs = 0) {
  return { name, bytes, mark: { atMs, bytes: 0 } } satisfies Paced & { name: string }
}

t.test('those below the least rate go, the slowest first', async (t) => {
  const all = [
    response('fast', 600_000_000),
    response('slow', 50_000),
    response('enough', 60_000),
    response('stuck', 0),
    response('young', 0, 1)
  ]
  t.same(
    slowest(all, 60_000, config).map(({ name }) => name),
    ['stuck', 'slow']
  )
})

t.test('a client that paused is slow only when it paused for a window', async (t) => {
  const paused = response('paused', 10_000_000)
  t.same(slowest([paused], 3_600_000, config), [], 'an hour with room for all is no matter')
  t.same(slowest([paused], 3_630_000, config), [], 'half a minute is not long enough')
  t.same(slowest([paused], 3_660_000, config), [paused])
  paused.bytes += 60_000
  t.same(slowest([paused], 3_660_000, config), [], 'and one that goes on is welcome again')
})
