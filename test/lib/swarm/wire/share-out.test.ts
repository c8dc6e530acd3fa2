import t from 'tap'
import { createShareOut, type SharingGateway } from '../../../../lib/swarm/wire/share-out.ts'

const NODES = ['one', 'two', 'three', 'four']

interface Gateway extends SharingGateway {
  gainedAt: number
  readonly pieces: Set<number>
}

function gateway(node: string): Gateway {
  const pieces = new Set<number>()
  return { node, gainedAt: 0, pieces, has: (index) => pieces.has(index) }
}

function shareOf(self: string, others: readonly SharingGateway[]) {
  const share = createShareOut(self)
  share.gateways(others)
  return share
}

/** What `one` of four is the first to step in for: pieces of another taker. */
function piecesToStepInFor(): number[] {
  const probe = shareOf('one', NODES.map(gateway))
  const foreign = Array.from({ length: 200 }, (_, at) => at).filter((at) => !probe.isOurs(at, 0, 0))
  return foreign.filter((at) => probe.isOurs(at, 151, 0))
}

/** Whose turn a piece of the four is. */
function takerOf(index: number): string {
  return NODES.find((self) => shareOf(self, NODES.map(gateway)).isOurs(index, 0, 0)) ?? ''
}

/** A share of `one` among four that has begun to wait for a piece of another. */
function waitingShare() {
  const others = NODES.map(gateway)
  const share = shareOf('one', others)
  const index = piecesToStepInFor()[0] ?? 0
  share.isOurs(index, 0, 0)
  return { share, others, index }
}

/** Two pieces of one taker, both waited for since 0. */
function waitingTwice() {
  const others = NODES.map(gateway)
  const share = shareOf('one', others)
  const [first = 0, ...more] = piecesToStepInFor()
  const second = more.find((index) => takerOf(index) === takerOf(first)) ?? 0
  share.isOurs(first, 0, 0)
  share.isOurs(second, 0, 0)
  const taker = others.find(({ node }) => node === takerOf(first)) as Gateway
  const take = (index: number, at: number) => {
    taker.pieces.add(index)
    share.gained(taker.node, index, at)
  }
  return { share, first, second, take }
}

t.test('each piece is one gateway’s to take, and any few in a row are shared evenly', async (t) => {
  const all = NODES.map((self) => shareOf(self, NODES.map(gateway)))
  for (let hand = 0; hand < 400; hand += NODES.length) {
    const takers = NODES.flatMap((_, at) =>
      all.flatMap((share, taker) => (share.isOurs(hand + at, 0, 0) ? [taker] : []))
    )
    t.same(takers.toSorted(), [0, 1, 2, 3], `pieces ${hand} to ${hand + 3}`)
  }
})

t.test('a gateway on its own takes everything', async (t) => {
  const share = shareOf('alone', [gateway('alone')])
  for (let index = 0; index < 100; index++) t.ok(share.isOurs(index, 0, 0))
})

t.test('of a taker that does not get on we wait as long as a piece takes', async (t) => {
  const { share, index } = waitingShare()
  t.notOk(share.isOurs(index, 150, 0))
  t.ok(share.isOurs(index, 151, 0), '150 ms when nothing is known')
  t.notOk(share.isOurs(index, 400, 200))
  t.ok(share.isOurs(index, 401, 200), 'twice the time of a piece')
  t.ok(share.isOurs(index, 3001, 100_000), 'never longer than three seconds')
})

t.test('for a taker that does not get on the others step in one after the other', async (t) => {
  for (let index = 0; index < 40; index++) {
    const shares = NODES.map((self) => shareOf(self, NODES.map(gateway)))
    const takersAt = (now: number) => shares.filter((share) => share.isOurs(index, now, 0)).length
    t.same([0, 150, 151, 225, 226, 300, 301].map(takersAt), [1, 1, 2, 2, 3, 3, 4])
  }
})

t.test('a taker has its time for each of its pieces, from the one before on', async (t) => {
  const { share, first, second, take } = waitingTwice()
  take(first, 140)
  t.notOk(share.isOurs(second, 290, 0))
  t.ok(share.isOurs(second, 291, 0))
})

t.test('a taker that has gone past a piece is given no more time for it', async (t) => {
  const { share, first, second, take } = waitingTwice()
  take(second, 140)
  t.ok(share.isOurs(first, 151, 0))
})

t.test('a gateway that has a piece is given time from then on to hand it over', async (t) => {
  const { share, others, index } = waitingShare()
  const [early, late] = others.filter(({ node }) => node !== 'one')
  early?.pieces.add(index)
  share.gained(early?.node ?? '', index, 2000)
  t.notOk(share.isOurs(index, 5000, 0))
  late?.pieces.add(index)
  share.gained(late?.node ?? '', index, 4000)
  t.ok(share.isOurs(index, 5001, 0), 'and no more because others have it too')
})

t.test('what nobody here waits for may be gained by anybody', async (t) => {
  const { share, others, index } = waitingShare()
  share.gained(others[1]?.node ?? '', index + 1000, 5)
  share.gained('a stranger', index, 5)
  t.ok(share.isOurs(index, 156, 0))
})

t.test('a taker that gets on is waited for', async (t) => {
  const { share, others, index } = waitingShare()
  for (const other of others) other.gainedAt = 1000
  t.notOk(share.isOurs(index, 1100, 0))
  t.ok(share.isOurs(index, 1200, 0), 'until it stops')
})

t.test('what another gateway has is asked of the gateways', async (t) => {
  const { share, others, index } = waitingShare()
  others[1]?.pieces.add(index)
  t.notOk(share.isOurs(index, 2000, 0))
  t.ok(share.isOurs(index, 3001, 0), 'unless they do not give it')
})

t.test('the wait begins anew when a piece came and is missing again', async (t) => {
  const { share, index } = waitingShare()
  t.ok(share.isOurs(index, 5000, 0))
  share.forget(index)
  t.notOk(share.isOurs(index, 6000, 0))
})

t.test('without the others everything is ours again', async (t) => {
  const { share, index } = waitingShare()
  share.gateways([])
  t.ok(share.isOurs(index, 0, 0))
})

t.test('a piece that a reader left behind is waited for anew when one comes back', async (t) => {
  const { share, index } = waitingShare()
  share.retain((wanted) => wanted !== index)
  t.notOk(share.isOurs(index, 60_000, 0), 'the wait of before does not count')
  share.retain((wanted) => wanted === index)
  t.ok(share.isOurs(index, 60_151, 0), 'one that stayed wanted does')
})
