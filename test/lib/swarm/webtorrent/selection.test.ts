/** From a want to webtorrent's selections. */
import Wire from 'bittorrent-protocol'
import t from 'tap'
import type { Selection, Torrent } from 'webtorrent'
import {
  applyWant,
  RAREST_BATCH,
  wantedPieces
} from '../../../../lib/swarm/webtorrent/selection.ts'

function torrentOf(
  has: (index: number) => boolean,
  holders: readonly ((index: number) => boolean)[]
) {
  const items: Selection[] = []
  const torrent: Torrent = Object.create(null, {
    bitfield: { value: { get: has } },
    wires: {
      value: holders.map(
        (get): Wire => Object.create(Wire.prototype, { peerPieces: { value: { get } } })
      )
    },
    _selections: {
      value: {
        clear: () => void items.splice(0),
        insert: (item: Selection) => void items.push(item)
      }
    },
    _critical: { value: [], writable: true },
    _updateSelections: { value() {} }
  })
  const spans = () => items.map(({ from, to }) => [from, to])
  return { torrent, items, spans }
}

t.test('windows keep the order of their deadlines and end where the pieces end', async (t) => {
  const { torrent, items, spans } = torrentOf(() => false, [])
  const windows = [
    { first: 7, end: 9 },
    { first: 2, end: 3 },
    { first: 8, end: 99 },
    { first: 4, end: 4 }
  ]
  applyWant(torrent, { all: false, windows }, 10)
  t.same(spans(), [
    [7, 8],
    [2, 2],
    [8, 9]
  ])
  t.ok(items.every(({ priority, isStreamSelection }) => priority === 0 && isStreamSelection))
  t.same(Object.keys(torrent._critical), ['7', '8'])
})

t.test('nothing wanted is nothing selected', async (t) => {
  const { torrent, spans } = torrentOf(() => false, [() => true])
  applyWant(torrent, { all: true, windows: [] }, 3)
  applyWant(torrent, { all: false, windows: [] }, 3)
  t.same(spans(), [])
  t.same(torrent._critical, [])
})

t.test('for everything the rarest missing pieces come first, then the rest', async (t) => {
  const common = () => true
  const { torrent, spans } = torrentOf((index) => index === 3, [common, common, (at) => at !== 2])
  applyWant(torrent, { all: true, windows: [{ first: 5, end: 6 }] }, 6)
  const [window, rarest, ...others] = spans()
  t.same(window, [5, 5])
  t.same(rarest, [2, 2])
  t.same(others.at(-1), [0, 5])
  t.same(
    others
      .slice(0, -1)
      .map(([from]) => from)
      .sort(),
    [0, 1, 4, 5]
  )
})

t.test('a batch is bounded', async (t) => {
  const { torrent, items } = torrentOf(() => false, [() => true])
  applyWant(torrent, { all: true, windows: [] }, 5000)
  t.equal(items.length, RAREST_BATCH + 1)
})

t.test('the wanted pieces can be walked', async (t) => {
  const want = { all: true, windows: [{ first: 1, end: 9 }] }
  t.same([...wantedPieces(want, 3)], [1, 2, 0, 1, 2])
})
