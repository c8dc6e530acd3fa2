import fc from 'fast-check'
import t from 'tap'
import { infoHashOf } from '../../../core/info-hash.ts'
import {
  type PlacementNode,
  type PlacementTorrent,
  placeCopies
} from '../../../tracker/fleet/placement.ts'
import { nodeId } from '../torrents.ts'

const SIZE = 1000

function node(n: number, changed: Partial<PlacementNode> = {}): PlacementNode {
  return { id: nodeId(n), live: true, draining: false, freeBytes: SIZE, weight: 1, ...changed }
}

function torrent(name: string, changed: Partial<PlacementTorrent> = {}): PlacementTorrent {
  const infoHash = infoHashOf(Buffer.from(name))
  return { infoHash, size: SIZE, wanted: 2, holders: new Set(), ...changed }
}

const held = (...ns: number[]) => new Set(ns.map(nodeId))

t.test('only what is missing is placed', async (t) => {
  const nodes = [1, 2, 3, 4].map((n) => node(n))
  const cases: [string, Partial<PlacementTorrent>, PlacementNode[], number][] = [
    ['no copy yet', {}, nodes, 2],
    ['one copy', { holders: held(1) }, nodes, 1],
    ['all copies', { holders: held(1, 2) }, nodes, 0],
    ['a copy too many', { holders: held(1, 2, 3) }, nodes, 0],
    ['more wanted than there are nodes', { wanted: 9 }, nodes, 4],
    ['nothing in it', { size: 0 }, nodes, 0],
    ['no node at all', {}, [], 0],
    ['a copy on a node that is gone', { holders: held(9, 1) }, nodes, 1],
    [
      'a copy on a dead node',
      { holders: held(1) },
      [node(1, { live: false }), node(2), node(3)],
      2
    ],
    ['a copy on a draining node', { holders: held(1) }, [node(1, { draining: true }), node(2)], 1],
    ['dead and draining nodes', {}, [node(1, { live: false }), node(2, { draining: true })], 0],
    ['a node without room', {}, [node(1, { freeBytes: SIZE - 1 }), node(2)], 1],
    ['a full node that holds a copy', { holders: held(1) }, [node(1, { freeBytes: 0 }), node(2)], 1]
  ]
  for (const [what, changed, among, count] of cases) {
    t.equal(placeCopies(torrent('a', changed), among).length, count, what)
  }
})

const arbitraryNodes = fc.uniqueArray(
  fc.record({
    n: fc.integer({ min: 1, max: 60 }),
    live: fc.boolean(),
    draining: fc.boolean(),
    freeBytes: fc.constantFrom(0, SIZE, 10 * SIZE)
  }),
  { selector: ({ n }) => n, maxLength: 30 }
)
const arbitrary = fc.record({
  name: fc.string(),
  wanted: fc.integer({ min: 1, max: 10 }),
  nodes: arbitraryNodes.map((list) => list.map(({ n, ...rest }) => node(n, rest))),
  holders: fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 5 }).map((ns) => held(...ns))
})

t.test('there are never more than wanted, and nobody who cannot is asked', async () => {
  fc.assert(
    fc.property(arbitrary, ({ name, wanted, nodes, holders }) => {
      const placed = placeCopies(torrent(name, { wanted, holders }), nodes)
      const usable = nodes.filter(({ live, draining }) => live && !draining)
      const copies = usable.filter(({ id }) => holders.has(id)).length
      const able = usable.filter(({ id, freeBytes }) => !holders.has(id) && freeBytes >= SIZE)
      const ids = new Set(able.map(({ id }) => id))
      return (
        placed.length === Math.min(Math.max(0, wanted - copies), able.length) &&
        new Set(placed).size === placed.length &&
        placed.every((id) => ids.has(id))
      )
    })
  )
})

t.test('the order in which nodes are listed does not matter', async () => {
  fc.assert(
    fc.property(arbitrary, fc.infiniteStream(fc.double({ noNaN: true })), (given, dice) => {
      const one = torrent(given.name, given)
      const shuffled = given.nodes
        .map((each) => ({ each, at: dice.next().value }))
        .sort((a, b) => a.at - b.at)
        .map(({ each }) => each)
      return String(placeCopies(one, shuffled)) === String(placeCopies(one, given.nodes))
    })
  )
})

t.test('a node that comes takes places for itself and moves nothing else', async () => {
  fc.assert(
    fc.property(arbitrary, (given) => {
      const newcomer = node(99)
      const one = torrent(given.name, given)
      const before = placeCopies(one, given.nodes)
      const after = placeCopies(one, [...given.nodes, newcomer])
      return after.filter((id) => id !== newcomer.id).every((id) => before.includes(id))
    })
  )
})

t.test('a node that goes and was not chosen changes nothing', async () => {
  fc.assert(
    fc.property(arbitrary, (given) => {
      const one = torrent(given.name, given)
      const chosen = placeCopies(one, given.nodes)
      const bystander = given.nodes.find(({ id }) => !chosen.includes(id) && !given.holders.has(id))
      const rest = given.nodes.filter((each) => each !== bystander)
      return String(placeCopies(one, rest)) === String(chosen)
    })
  )
})

t.test('torrents spread over equal nodes evenly, and over others by their weight', async (t) => {
  const share = (nodes: readonly PlacementNode[]) => {
    const counts = new Map<string, number>()
    for (let n = 0; n < 4000; n += 1) {
      for (const id of placeCopies(torrent(`torrent ${n}`, { wanted: 1 }), nodes)) {
        counts.set(id, (counts.get(id) ?? 0) + 1)
      }
    }
    return (n: number) => (counts.get(nodeId(n)) ?? 0) / 4000
  }
  const even = share([1, 2, 3, 4].map((n) => node(n)))
  for (const n of [1, 2, 3, 4]) t.ok(Math.abs(even(n) - 0.25) < 0.04, `node ${n}: ${even(n)}`)
  const weighted = share([node(1, { weight: 3 }), node(2)])
  t.ok(Math.abs(weighted(1) - 0.75) < 0.04, `three quarters: ${weighted(1)}`)
})
