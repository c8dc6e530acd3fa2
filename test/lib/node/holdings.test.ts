import t, { type Test } from 'tap'
import type { InfoHash } from '../../../core/info-hash.ts'
import { parseInfoHash } from '../../../core/info-hash.ts'
import { type HoldingsDeps, watchHoldings } from '../../../lib/node/holdings.ts'
import type { Library } from '../../../lib/store/library.ts'
import { memoryFleet, SELF } from '../../fakes/memory-fleet.ts'
import { silentLog } from '../../fakes/silent-log.ts'

const A = parseInfoHash('a'.repeat(40)) as InfoHash
const B = parseInfoHash('b'.repeat(40)) as InfoHash

function open(t: Test) {
  const complete = new Map([
    [A, true],
    [B, false]
  ])
  const completed = new Set<(infoHash: InfoHash) => void>()
  const damaged = new Set<(infoHash: InfoHash) => void>()
  const listen =
    (set: Set<(infoHash: InfoHash) => void>) => (listener: (hash: InfoHash) => void) => {
      set.add(listener)
      return () => set.delete(listener)
    }
  const library: Partial<Library> = {
    list: () => complete.keys(),
    complete: (infoHash) => complete.get(infoHash) === true,
    onComplete: listen(completed),
    onIncomplete: listen(damaged)
  }
  const fleet = memoryFleet()
  const held: InfoHash[] = []
  const holdings = watchHoldings({
    id: SELF,
    library: library as HoldingsDeps['library'],
    announcing: { held: (infoHash) => void held.push(infoHash) },
    replica: fleet,
    control: fleet,
    log: silentLog
  })
  t.teardown(holdings.stop)
  const say = (set: typeof damaged, infoHash: InfoHash) => {
    for (const listener of set) listener(infoHash)
  }
  return {
    holdings,
    fleet,
    held,
    completed,
    damaged,
    lose: (infoHash: InfoHash) => say(damaged, infoHash),
    complete: (infoHash: InfoHash) => say(completed, infoHash)
  }
}

t.test('the whole list is what is complete', async (t) => {
  const { holdings, fleet, held } = open(t)
  await holdings.reportAll()
  t.same(fleet.reports, [{ replace: true, held: [A], dropped: [] }])
  t.same(held, [A])
})

t.test('what is shared is known to this node at once, and to the tracker', async (t) => {
  const { holdings, fleet } = open(t)
  fleet.holder(B, { id: SELF, revision: 3 })
  fleet.apply({ type: 'holding', holding: { infoHash: B, nodeId: SELF, held: false, revision: 4 } })
  t.same(fleet.holders(B), [])
  await holdings.share(B)
  t.match(fleet.holders(B), [{ id: SELF }])
  t.same(fleet.reports, [{ replace: false, held: [B], dropped: [] }])
})

t.test('a lost piece withdraws a torrent until it is whole again', async (t) => {
  const { fleet, lose, complete } = open(t)
  complete(A)
  await new Promise(setImmediate)
  t.same(fleet.reports, [], 'completing is news only after a loss')
  lose(A)
  complete(A)
  complete(A)
  await new Promise(setImmediate)
  t.same(fleet.reports, [
    { replace: false, held: [], dropped: [A] },
    { replace: false, held: [A], dropped: [] }
  ])
})

t.test('a tracker that is down breaks nothing, and what is gone is not shared again', async (t) => {
  const { holdings, fleet, lose, complete } = open(t)
  fleet.down = true
  lose(A)
  await new Promise(setImmediate)
  await t.rejects(holdings.share(B), { code: 'TRACKER_UNAVAILABLE' })
  fleet.down = false
  holdings.forget(A)
  complete(A)
  await new Promise(setImmediate)
  t.same(fleet.reports, [])
})

t.test('after the end nobody is listened to, and a gateway holds nothing', async (t) => {
  const { holdings, completed, damaged } = open(t)
  holdings.stop()
  t.equal(completed.size + damaged.size, 0)
  const fleet = memoryFleet()
  const none = watchHoldings({
    id: SELF,
    library: undefined,
    announcing: { held: () => {} },
    replica: fleet,
    control: fleet,
    log: silentLog
  })
  await none.reportAll()
  t.same(fleet.reports, [])
  none.stop()
})
