import t from 'tap'
import { geometryOf } from '../../../../core/geometry.ts'
import { createBufferPool } from '../../../../lib/swarm/wire/buffer-pool.ts'
import { PeerPieces } from '../../../../lib/swarm/wire/peer-pieces.ts'
import { Picker, type PickingPeer } from '../../../../lib/swarm/wire/picker.ts'
import { BLOCK_BYTES } from '../../../../lib/swarm/wire/request-queue.ts'

const PIECE = 2 * BLOCK_BYTES

interface Rig {
  readonly picker: Picker
  readonly here: Set<number>
  readonly suspects: Set<number>
  /** What the peer is asked for, as `piece.block`. */
  pick(peer: PickingPeer, options?: { count?: number; now?: number; late?: boolean }): string[]
}

function rig(pieceCount: number, poolPieces = 100): Rig {
  const here = new Set<number>()
  const suspects = new Set<number>()
  const picker = new Picker({
    geometry: geometryOf(pieceCount * PIECE, PIECE),
    has: (index) => here.has(index),
    isSuspect: (index) => suspects.has(index),
    pool: createBufferPool({ limitBytes: poolPieces * PIECE })
  })
  return {
    picker,
    here,
    suspects,
    pick(peer, { count = 100, now = 1000, late = false } = {}) {
      const asked: string[] = []
      const ask = (piece: { index: number }, block: number) => {
        asked.push(`${piece.index}.${block}`)
      }
      picker.pick(peer, { count, now, beyond: true, late, ask })
      return asked
    }
  }
}

let serial = 0
function peerWith(pieces: readonly number[] | 'all', more: Partial<PickingPeer> = {}): PickingPeer {
  const has = new PeerPieces(1000)
  if (pieces === 'all') has.setAll()
  else for (const index of pieces) has.add(index)
  return {
    serial: ++serial,
    pieces: has,
    slow: false,
    mayAsk: () => true,
    leaves: () => false,
    isAsked: () => false,
    ...more
  }
}

t.test('blocks are asked in the order of deadlines, each once', async (t) => {
  const { picker, pick, here } = rig(10)
  here.add(4)
  picker.setWant({
    all: false,
    windows: [
      { first: 3, end: 6 },
      { first: 8, end: 10 }
    ]
  })
  t.same(pick(peerWith('all'), { count: 5 }), ['3.0', '3.1', '8.0', '8.1', '5.0'])
  t.same(pick(peerWith('all')), ['5.1', '9.0', '9.1'])
  t.same(pick(peerWith('all')), [])
})

t.test('what comes back is asked for first', async (t) => {
  const { picker, pick } = rig(10)
  picker.setWant({ all: false, windows: [{ first: 0, end: 10 }] })
  pick(peerWith('all'), { count: 8 })
  picker.flight.unask(1, 1)
  t.same(pick(peerWith('all'), { count: 2 }), ['1.1', '4.0'])
  picker.flight.drop(0)
  t.same(pick(peerWith('all'), { count: 3 }), ['0.0', '0.1', '4.1'])
})

t.test('a peer is asked only for what it has and may be asked for', async (t) => {
  const { picker, pick } = rig(4)
  picker.setWant({ all: true, windows: [{ first: 0, end: 2 }] })
  t.same(pick(peerWith([1, 3], { mayAsk: (index) => index !== 1 })), ['3.0', '3.1'])
})

t.test('beyond windows begun pieces come first, then the rarest', async (t) => {
  const { picker, pick } = rig(6)
  picker.setWant({ all: true, windows: [] })
  const others = [
    [0, 1, 2, 3, 4],
    [0, 1, 2, 4],
    [0, 2, 4, 5],
    [0, 5]
  ]
  for (const pieces of others) picker.availability.join(peerWith(pieces).pieces)
  t.same(pick(peerWith('all'), { count: 1 }), ['3.0'], 'one peer has it')
  const rest = pick(peerWith('all'))
  t.equal(rest[0], '3.1')
  const order = rest.filter((_, at) => at % 2 === 1).map((block) => Number(block.split('.')[0]))
  t.same(order.slice(0, 2).toSorted(), [1, 5], 'two have them')
  t.same(order.slice(2, 4).toSorted(), [2, 4], 'three have them')
  t.equal(order[4], 0)
})

t.test('rarity follows what peers gain, after a second at the latest', async (t) => {
  const { picker, pick } = rig(3)
  picker.setWant({ all: true, windows: [] })
  const first = peerWith([0, 1])
  picker.availability.join(first.pieces)
  t.same(pick(peerWith('all'), { count: 2 }), ['2.0', '2.1'])
  picker.flight.take(2)
  const second = peerWith([1])
  picker.availability.join(second.pieces)
  t.same(pick(peerWith([0, 1]), { count: 2, now: 2001 }), ['0.0', '0.1'])
})

t.test('a slow peer begins in the middle and leaves the front to a faster one', async (t) => {
  const { picker, pick } = rig(20)
  picker.setWant({ all: false, windows: [{ first: 0, end: 20 }] })
  const slow = peerWith('all', { slow: true, leaves: () => true })
  const blocks = pick(slow)
  t.equal(blocks[0], '10.0')
  const pieces = new Set(blocks.map((block) => Number(block.split('.')[0])))
  t.same(
    [...pieces].toSorted((a, b) => a - b),
    Array.from({ length: 16 }, (_, at) => at + 4)
  )
  const alone = peerWith('all', { slow: true })
  t.same(pick(alone, { count: 2 }), ['0.0', '0.1'], 'when there is a faster one')
})

t.test(
  'what a reader waits for is asked of a second and a third peer when it is late',
  async (t) => {
    const { picker, pick } = rig(4)
    picker.setWant({ all: false, windows: [{ first: 0, end: 4 }] })
    const first = peerWith('all')
    pick(first, { now: 1000 })
    const late = { now: 1249, late: true }
    t.same(pick(peerWith('all'), late), [], 'not yet')
    t.same(pick(peerWith('all'), { now: 1250 }), [], 'only where late blocks are looked for')
    t.same(pick(peerWith('all'), { now: 1250, late: true }), ['0.0', '0.1'], 'no further piece')
    t.same(pick(peerWith('all'), { now: 1400, late: true }), [], 'asked just now')
    t.same(pick(peerWith('all'), { now: 1500, late: true }), ['0.0', '0.1'])
    t.same(pick(peerWith('all'), { now: 9000, late: true }), [], 'three are enough')
  }
)

t.test('everything is asked for twice only at the very end', async (t) => {
  const { picker, pick, here } = rig(3)
  picker.setWant({ all: true, windows: [] })
  const only01 = peerWith([0, 1])
  t.equal(pick(only01, { now: 1000 }).length, 4)
  const late = peerWith([0, 1], { isAsked: () => false })
  t.same(pick(late, { now: 2000, late: true }), [], 'one piece is not asked of anybody')
  here.add(2)
  picker.review()
  t.equal(pick(late, { now: 2000, late: true }).length, 4)
})

t.test('a suspected piece comes from one peer alone', async (t) => {
  const { picker, pick, suspects } = rig(2)
  suspects.add(0)
  picker.setWant({ all: false, windows: [{ first: 0, end: 2 }] })
  const first = peerWith('all')
  const second = peerWith('all')
  t.same(pick(first, { count: 1 }), ['0.0'])
  t.same(pick(second, { count: 1 }), ['1.0'])
  t.same(pick(second, { now: 9000, late: true, count: 1 }), ['1.1'])
  t.same(pick(first, { count: 1 }), ['0.1'])
})

t.test('without memory nothing is begun, and a window gets more than the rest', async (t) => {
  const { picker, pick } = rig(20, 4)
  picker.setWant({ all: true, windows: [] })
  t.equal(pick(peerWith('all')).length, 8)
  t.ok(picker.flight.starved)
  picker.setWant({ all: true, windows: [{ first: 0, end: 20 }] })
  t.equal(pick(peerWith('all')).length, 4)
})

t.test('a piece that nobody can be asked for makes way when memory is short', async (t) => {
  const { picker, pick } = rig(10, 2)
  picker.setWant({ all: true, windows: [] })
  pick(peerWith([0, 1]), { now: 1000 })
  const rest = peerWith([2, 3, 4])
  t.same(pick(rest, { now: 1000 }), [], 'they are asked for')
  picker.flight.get(0)?.open(0, 1, 1000)
  picker.flight.get(0)?.arrived(0)
  for (const [index, block] of [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1]
  ] as const) {
    picker.flight.unask(index, block)
  }
  t.same(pick(rest, { now: 1001, count: 2 }).length, 2, 'the empty one at once')
  t.notOk(picker.flight.has(1))
  t.ok(picker.flight.has(0))
  t.same(pick(rest, { now: 1001, count: 2 }).length, 0)
  t.same(pick(rest, { now: 3001, count: 2 }).length, 2, 'and the begun one after a while')
  t.notOk(picker.flight.has(0))
})

t.test('a window of many pieces is searched to its end', async (t) => {
  const { picker, pick, here } = rig(1000, 10_000)
  const wide = rig(10_000, 10_000)
  wide.picker.setWant({ all: false, windows: [{ first: 0, end: 10_000 }] })
  const peer = { ...peerWith([]), pieces: seedOf(10_000) }
  let asked = 0
  for (let now = 0; asked < 20_000 && now < 100; now++) {
    const blocks = wide.pick(peer, { count: 512, now })
    asked += blocks.length
    for (const block of blocks) {
      const index = Number(block.split('.')[0])
      if (!block.endsWith('.1')) continue
      wide.here.add(index)
      wide.picker.flight.take(index)
    }
  }
  t.equal(asked, 20_000)
  t.same(pick(peerWith('all')), [], 'nothing is wanted elsewhere')
  t.notOk(picker.interests(peerWith('all')))
  t.equal(here.size, 0)
})

t.test('a peer interests us for what is missing and wanted', async (t) => {
  const { picker, here } = rig(10)
  picker.setWant({ all: false, windows: [{ first: 2, end: 4 }] })
  t.ok(picker.interests(peerWith([3])))
  t.notOk(picker.interests(peerWith([5])))
  here.add(3)
  t.notOk(picker.interests(peerWith([3])))
  picker.setWant({ all: true, windows: [] })
  t.ok(picker.interests(peerWith([5])))
  t.notOk(picker.interests(peerWith([3])))
})

function seedOf(pieceCount: number): PeerPieces {
  const pieces = new PeerPieces(pieceCount)
  pieces.setAll()
  return pieces
}
