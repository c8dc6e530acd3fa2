import t from 'tap'
import { createShareOut } from '../../../../lib/swarm/wire/share-out.ts'

const NODES = ['one', 'two', 'three', 'four']

function shares(nodes: readonly string[]) {
  return nodes.map((self) => {
    const share = createShareOut(self)
    share.gateways(nodes)
    return share
  })
}

t.test('each piece is exactly one gateway’s to take, and they take about as many', async (t) => {
  const all = shares(NODES)
  const taken = new Map<number, number>()
  for (let index = 0; index < 4000; index++) {
    const takers = all.flatMap((share, at) => (share.isOurs(index, 0, 10) ? [at] : []))
    if (takers.length !== 1) t.fail(`piece ${index} has ${takers.length} takers`)
    taken.set(takers[0] ?? -1, (taken.get(takers[0] ?? -1) ?? 0) + 1)
  }
  for (const count of taken.values()) t.ok(count > 800 && count < 1200, `${count} of 4000`)
})

t.test('a gateway on its own takes everything', async (t) => {
  const [share] = shares(['alone'])
  for (let index = 0; index < 100; index++) t.ok(share?.isOurs(index, 0, 10))
})

t.test('another’s piece is ours after a wait, as long as a piece takes', async (t) => {
  const [share] = shares(NODES)
  const index = Array.from({ length: 100 }, (_, at) => at).find((at) => !share?.isOurs(at, 0, 10))
  t.not(index, undefined)
  t.notOk(share?.isOurs(index ?? 0, 100, 10))
  t.ok(share?.isOurs(index ?? 0, 151, 10), 'after 150 ms')
  t.notOk(share?.isOurs(index ?? 0, 151, 1000), 'not while the piece may be on its way')
  t.ok(share?.isOurs(index ?? 0, 2001, 100_000), 'never later than two seconds')
  share?.forget(index ?? 0)
  t.notOk(share?.isOurs(index ?? 0, 5000, 10), 'the wait begins anew')
})

t.test('when one leaves the others take over its pieces alone', async (t) => {
  const before = createShareOut('one')
  before.gateways(NODES)
  const after = createShareOut('one')
  after.gateways(NODES.slice(0, 3))
  for (let index = 0; index < 500; index++) {
    if (before.isOurs(index, 0, 10)) t.ok(after.isOurs(index, 0, 10))
  }
})
