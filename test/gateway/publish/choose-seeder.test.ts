import t from 'tap'
import { chooseSeeders } from '../../../gateway/publish/choose-seeder.ts'
import { nodeOf } from './fleet.ts'

const FLEET = Array.from({ length: 10 }, (_, n) => nodeOf({ id: `node-${n}` }))
const ids = (principal: string, nodes = FLEET) =>
  chooseSeeders(nodes, principal, 1).map(({ id }) => id)

t.test('one principal always meets the same seeder, whatever the order of the nodes', async (t) => {
  t.same(ids('alice', FLEET.toReversed()), ids('alice'))
  t.same(
    ids('alice').toSorted(),
    FLEET.map(({ id }) => id)
  )
})

t.test('principals spread over the seeders', async (t) => {
  const first = new Set(Array.from({ length: 200 }, (_, n) => ids(`user-${n}`)[0]))
  t.equal(first.size, FLEET.length)
})

t.test('a node that leaves moves only its own principals', async (t) => {
  const [favourite] = ids('alice')
  const without = FLEET.filter(({ id }) => id !== favourite)
  t.same(ids('alice', without), ids('alice').slice(1))
})

t.test('only live seeders that take uploads and have room are chosen', async (t) => {
  const nodes = [
    nodeOf({ id: 'dead', live: false }),
    nodeOf({ id: 'draining', draining: true }),
    nodeOf({ id: 'one-process', ingestUrl: null }),
    nodeOf({ id: 'gateway', roles: ['gateway'] }),
    nodeOf({ id: 'small', freeBytes: 999 }),
    nodeOf({ id: 'full', freeBytes: 0 })
  ]
  t.throws(() => chooseSeeders(nodes.slice(0, 4), 'alice', 1), {
    code: 'SEEDER_UNAVAILABLE',
    retryAfter: 5
  })
  t.throws(() => chooseSeeders([], 'alice', undefined), { code: 'SEEDER_UNAVAILABLE' })
  t.throws(() => chooseSeeders(nodes, 'alice', 1000), { code: 'STORE_FULL' })
  t.same(
    chooseSeeders(nodes, 'alice', 999).map(({ id }) => id),
    ['small']
  )
  t.same(
    chooseSeeders(nodes, 'alice', undefined).map(({ id }) => id),
    ['small']
  )
  t.same(
    chooseSeeders(nodes, 'alice', 0)
      .map(({ id }) => id)
      .toSorted(),
    ['full', 'small']
  )
})
