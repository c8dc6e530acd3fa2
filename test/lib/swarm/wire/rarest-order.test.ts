import t from 'tap'
import { geometryOf } from '../../../../core/geometry.ts'
import { Availability } from '../../../../lib/swarm/wire/availability.ts'
import { PeerPieces } from '../../../../lib/swarm/wire/peer-pieces.ts'
import { RarestOrder } from '../../../../lib/swarm/wire/rarest-order.ts'

const PIECES = 200

function rig() {
  const closed = new Set<number>()
  const availability = new Availability(PIECES)
  const order = new RarestOrder(geometryOf(PIECES, 1), availability, (index) => !closed.has(index))
  const walk = (now: number) => {
    const seen: number[] = []
    order.walk(now, (index) => {
      seen.push(index)
      return true
    })
    return seen
  }
  const join = (test: (index: number) => boolean) => {
    const pieces = new PeerPieces(PIECES)
    for (let index = 0; index < PIECES; index++) if (test(index)) pieces.add(index)
    availability.join(pieces)
  }
  return { closed, availability, order, walk, join }
}

t.test('a walk meets every open piece once, none more common before a rarer one', async (t) => {
  const { closed, availability, walk, join } = rig()
  join((index) => index % 2 === 0)
  join((index) => index % 3 === 0)
  join((index) => index % 7 === 0)
  closed.add(5).add(6)
  const seen = walk(0)
  t.equal(new Set(seen).size, PIECES - 2)
  t.notOk(seen.includes(5) || seen.includes(6))
  const rarities = seen.map((index) => availability.of(index))
  t.same(
    rarities,
    rarities.toSorted((a, b) => a - b)
  )
})

t.test('what closes is passed, what opens again is met after a review', async (t) => {
  const { closed, order, walk } = rig()
  for (let index = 0; index < PIECES; index++) if (index !== 9) closed.add(index)
  t.same(walk(0), [9])
  closed.add(9)
  t.ok(order.isEmpty(0))
  closed.delete(9)
  t.ok(order.isEmpty(0), 'nobody said so')
  order.review()
  t.notOk(order.isEmpty(0))
})

t.test('peers change the order once a second at the most', async (t) => {
  const { walk, join } = rig()
  const before = walk(0)
  const last = before.at(-1)
  join((index) => index !== last)
  t.same(walk(999), before, 'an order holds for a while')
  t.equal(walk(1000)[0], last)
})

t.test('a walk ends when it is told to', async (t) => {
  const { order } = rig()
  let met = 0
  order.walk(0, () => ++met < 3)
  t.equal(met, 3)
})
