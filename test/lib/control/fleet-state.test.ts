import fc from 'fast-check'
import t from 'tap'
import type { Change, Entry, NodeState } from '../../../lib/control/control.ts'
import { FleetState } from '../../../lib/control/fleet-state.ts'
import { nodeId, seeder, torrentOf } from '../../tracker/torrents.ts'

const A = torrentOf('a').draft
const entry = (revision: number, changed: Partial<Entry> = {}): Change => ({
  type: 'entry',
  entry: { ...A, replicas: 2, state: 'published', createdAt: 1, revision, ...changed }
})
const node = (n: number, revision: number, changed: Partial<NodeState> = {}): Change => ({
  type: 'node',
  node: { ...seeder(n), live: true, revision, ...changed }
})
const holding = (n: number, revision: number, held = true): Change => ({
  type: 'holding',
  holding: { infoHash: A.infoHash, nodeId: nodeId(n), held, revision }
})

t.test('the higher revision wins, whichever comes first', async (t) => {
  const state = new FleetState()
  t.ok(state.apply(entry(5, { state: 'unpublished' })))
  t.notOk(state.apply(entry(4)), 'older is no news')
  t.notOk(state.apply(entry(5, { state: 'unpublished' })), 'the same is no news')
  t.equal(state.entries.get(A.infoHash)?.state, 'unpublished')
  t.ok(state.apply(entry(6)))
  t.equal(state.entries.get(A.infoHash)?.state, 'published')
})

t.test('changes in any order, any number of times, give the same state', async () => {
  const changes = [
    entry(1),
    entry(7, { state: 'unpublished' }),
    node(1, 2),
    node(1, 6, { live: false }),
    node(2, 3),
    holding(1, 4),
    holding(2, 5),
    holding(2, 8, false)
  ]
  const expected = stateAfter(changes)
  const shuffled = fc.shuffledSubarray([...changes, ...changes], { minLength: 16, maxLength: 16 })
  fc.assert(
    fc.property(shuffled, (mixed) => {
      t.strictSame(stateAfter(mixed), expected)
    }),
    { numRuns: 50 }
  )
})

t.test('holders are nodes that hold it now, live or not', async (t) => {
  const state = new FleetState()
  for (const change of [entry(1), node(1, 2), node(2, 3, { live: false })]) state.apply(change)
  for (const change of [holding(1, 4), holding(2, 5), holding(3, 6)]) state.apply(change)
  t.same(
    state.holders(A.infoHash).map(({ id }) => id),
    [nodeId(1), nodeId(2)],
    'a node nobody described cannot be dialled'
  )
  state.apply(holding(1, 7, false))
  t.same(
    state.holders(A.infoHash).map(({ id }) => id),
    [nodeId(2)]
  )
  t.same(state.holders(torrentOf('b').draft.infoHash), [])
})

t.test('a torrent without bytes is held by every seeder', async (t) => {
  const state = new FleetState()
  state.apply(entry(1, { size: 0 }))
  state.apply(node(1, 2))
  state.apply(node(2, 3, { roles: ['gateway'] }))
  t.same(
    state.holders(A.infoHash).map(({ id }) => id),
    [nodeId(1)]
  )
})

t.test('what a node did itself counts until the tracker says otherwise', async (t) => {
  const state = new FleetState()
  state.apply(node(1, 1))
  state.apply(holding(1, 5, false))
  t.ok(state.apply(holding(1, 0, true)))
  t.equal(state.holders(A.infoHash).length, 1)
  t.notOk(state.apply(holding(1, 5, false)), 'what was known before is no answer to it')
  t.ok(state.apply(holding(1, 6, false)))
  t.equal(state.holders(A.infoHash).length, 0)
})

function stateAfter(changes: readonly Change[]): string[] {
  const state = new FleetState()
  for (const change of changes) state.apply(change)
  return [...state.changes()].map((change) => JSON.stringify(change)).toSorted()
}
