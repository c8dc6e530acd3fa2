/** The change feed and the snapshot, as every implementation of `Control` gives them. */
import type { Test } from 'tap'
import { FleetState } from '../../lib/control/fleet-state.ts'
import type { ControlFixture } from '../tracker/open-control.ts'
import { nodeId, seeder, torrentOf } from '../tracker/torrents.ts'
import { changesAfter, positionOf, revisionOf, stateOf } from './control-reading.ts'

type Open = (t: Test) => Promise<ControlFixture>

const ALICE = nodeId(1)

export function controlFeedSuite(t: Test, open: Open): void {
  feed(t, open)
  snapshots(t, open)
}

function feed(t: Test, open: Open): void {
  t.test('the feed tells changes in order, each thing once and as it is now', async (t) => {
    const { control } = await open(t)
    const start = await positionOf(control)
    const one = torrentOf('one')
    const two = torrentOf('two')
    await control.commit(one.draft, one.info, ALICE)
    await control.commit(two.draft, two.info, ALICE)
    await control.unpublish(one.draft.infoHash)
    const changes = await changesAfter(control, start)
    const entries = changes.flatMap((change) => (change.type === 'entry' ? [change.entry] : []))
    t.match(entries, [
      { name: 'two', state: 'published' },
      { name: 'one', state: 'unpublished' }
    ])
    const revisions = changes.map(revisionOf)
    t.same(
      revisions,
      [...new Set(revisions)].toSorted((a, b) => a - b)
    )
  })

  t.test('where nothing changed the feed stays where it is', async (t) => {
    const { control } = await open(t)
    const { draft, info } = torrentOf('a')
    await control.commit(draft, info, ALICE)
    const at = await positionOf(control)
    t.same(await control.changes(at, 0), { kind: 'changes', position: at, changes: [] })
  })

  t.test('somebody who waits is woken by the next commit', async (t) => {
    const { control } = await open(t)
    const waiting = control.changes(await positionOf(control), 30_000)
    const { draft, info } = torrentOf('a')
    await control.commit(draft, info, ALICE)
    const page = await waiting
    t.match(page, { kind: 'changes' })
    t.match(page.kind === 'changes' && page.changes[0], { entry: { name: 'a' } })
  })

  t.test('a wait that brings nothing ends with an empty page', async (t) => {
    const { control } = await open(t)
    const at = await positionOf(control)
    t.same(await control.changes(at, 1), { kind: 'changes', position: at, changes: [] })
  })

  t.test('a wait can be given up, and says why', async (t) => {
    const { control } = await open(t)
    const controller = new AbortController()
    const reason = new Error('enough')
    const waiting = control.changes(await positionOf(control), 30_000, controller.signal)
    setImmediate(() => controller.abort(reason))
    t.equal(await waiting.catch((err: unknown) => err), reason)
  })

  t.test('a position of another epoch means: start again', async (t) => {
    const { control } = await open(t)
    const { revision } = await positionOf(control)
    t.same(await control.changes({ epoch: 'feedfacefeedface', revision }, 0), { kind: 'reset' })
    t.same(await control.changes({ epoch: '', revision: 0 }, 0), { kind: 'reset' })
  })

  t.test('a position from the future shows that a backup was restored: a new epoch', async (t) => {
    const { control } = await open(t)
    const { draft, info } = torrentOf('a')
    await control.commit(draft, info, ALICE)
    const { epoch, revision } = await positionOf(control)
    t.same(await control.changes({ epoch, revision: revision + 1 }, 0), { kind: 'reset' })
    t.not((await positionOf(control)).epoch, epoch)
    t.same(await control.changes({ epoch, revision }, 0), { kind: 'reset' })
    t.match(await control.lookup(draft.infoHash), { name: 'a' })
  })
}

function snapshots(t: Test, open: Open): void {
  t.test('the snapshot holds everything, tombstones included, at one position', async (t) => {
    const { control } = await open(t)
    await control.register(seeder(1))
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const { draft, info } = torrentOf(name)
      await control.commit(draft, info, ALICE)
    }
    await control.unpublish(torrentOf('c').draft.infoHash)
    const state = await stateOf(control)
    const entries = [...state.entries.values()]
    t.same(entries.map(({ name }) => name).toSorted(), ['a', 'b', 'c', 'd', 'e', 'f'])
    t.equal(state.entries.get(torrentOf('c').draft.infoHash)?.state, 'unpublished')
    t.same(
      state.holders(torrentOf('a').draft.infoHash).map(({ id }) => id),
      [ALICE]
    )
  })

  t.test('what changes while a snapshot is read comes with the feed', async (t) => {
    const { control } = await open(t)
    for (const name of ['a', 'b', 'c', 'd']) {
      const { draft, info } = torrentOf(name)
      await control.commit(draft, info, ALICE)
    }
    const first = await control.snapshot()
    await control.unpublish(torrentOf('a').draft.infoHash)
    const state = new FleetState()
    for (const change of first.changes) state.apply(change)
    t.not(first.next, null, 'there is another page')
    const rest = await control.snapshot(first.next ?? undefined)
    t.same(rest.position, first.position)
    for (const change of await changesAfter(control, first.position)) state.apply(change)
    t.equal(state.entries.get(torrentOf('a').draft.infoHash)?.state, 'unpublished')
  })

  t.test('a cursor that was never given out is refused by the snapshot', async (t) => {
    const { control } = await open(t)
    await t.rejects(control.snapshot('nonsense'), { code: 'REQUEST_INVALID' })
  })
}
