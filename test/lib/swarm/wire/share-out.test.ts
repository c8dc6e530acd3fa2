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

/** A share of `one` among four, and a piece that is another's to take. */
function waitingShare() {
  const others = NODES.map(gateway)
  const share = shareOf('one', others)
  const index =
    Array.from({ length: 100 }, (_, at) => at).find((at) => !share.isOurs(at, 0, 0)) ?? 0
  return { share, others, index }
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
