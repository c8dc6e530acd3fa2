import t from 'tap'
import { orderWanted } from '../../../../lib/swarm/wire/wanted-pieces.ts'

const all = () => true

t.test('readers get their pieces in turn', async (t) => {
  const windows = [
    { first: 0, end: 3 },
    { first: 10, end: 12 }
  ]
  const { ordered, heads } = orderWanted({ all: false, windows }, 100, all)
  t.same(ordered, [0, 10, 1, 11, 2])
  t.same(heads(), [0, 10])
})

t.test('what is there is passed over, and no piece comes twice', async (t) => {
  const windows = [
    { first: 0, end: 4 },
    { first: 2, end: 6 }
  ]
  const { ordered, heads } = orderWanted({ all: false, windows }, 5, (index) => index !== 0)
  t.same(ordered.toSorted(), [1, 2, 3, 4])
  t.same(heads(), [1, 2])
})

t.test('windows beyond the torrent want nothing', async (t) => {
  const windows = [{ first: 7, end: 2 ** 40 }]
  t.same(orderWanted({ all: false, windows }, 7, all).ordered, [])
  t.ok(orderWanted({ all: true, windows: [] }, 7, all).includes(3))
})

t.test('a huge window is looked at as far as it matters', async (t) => {
  const windows = [{ first: 0, end: 1_000_000 }]
  t.equal(orderWanted({ all: false, windows }, 1_000_000, all).ordered.length, 4096)
})

t.test('what readers wait for moves on as pieces come', async (t) => {
  const here = new Set<number>()
  const windows = [
    { first: 0, end: 3 },
    { first: 1, end: 5 }
  ]
  const wanted = orderWanted({ all: false, windows }, 100, (index) => !here.has(index))
  t.same(wanted.heads(), [0, 1])
  here.add(0).add(1)
  t.same(wanted.heads(), [2], 'both wait for the same')
  here.add(2)
  t.same(wanted.heads(), [3])
  here.add(3).add(4)
  t.same(wanted.heads(), [])
})

t.test('an order says whether the windows go on behind it', async (t) => {
  const windows = [{ first: 0, end: 4097 }]
  t.ok(orderWanted({ all: false, windows }, 5000, all).cut)
  t.notOk(orderWanted({ all: false, windows }, 4096, all).cut)
})

t.test(
  'nobody waits for what is for later, and it comes behind all that readers want',
  async (t) => {
    const windows = [
      { first: 0, end: 3 },
      { first: 20, end: 22 },
      { first: 50, end: 52, later: true as const }
    ]
    const wanted = orderWanted({ all: false, windows }, 100, all)
    t.same(wanted.ordered, [0, 20, 1, 21, 2, 50, 51])
    t.same(wanted.heads(), [0, 20])
    t.ok(wanted.includes(51), 'but it is wanted: what was begun of it is not given up')
    t.notOk(wanted.includes(52))
  }
)

t.test(
  'a reader in the middle of another’s large window is served as often as that one',
  async (t) => {
    const windows = [
      { first: 0, end: 64 },
      { first: 32, end: 34 },
      { first: 500, end: 502 }
    ]
    const { ordered } = orderWanted({ all: false, windows }, 1000, all)
    t.same(ordered.slice(0, 6), [0, 32, 500, 1, 33, 501])
  }
)
