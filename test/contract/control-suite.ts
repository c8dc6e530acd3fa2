/**
 * What every implementation of `Control` does: the tracker's own, and the client over HTTP.
 *
 * `open` gives a fresh, empty one whose fleet default is 2 copies and whose lease is 10 s. Here:
 * what is published; the feed and the fleet have files of their own.
 */
import type { Test } from 'tap'
import type { ControlFixture } from '../tracker/open-control.ts'
import { nodeId, seeder, torrentOf } from '../tracker/torrents.ts'
import { controlFeedSuite } from './control-feed-suite.ts'
import { controlFleetSuite } from './control-fleet-suite.ts'
import { changesAfter, positionOf, stateOf } from './control-reading.ts'

type Open = (t: Test) => Promise<ControlFixture>

const [ALICE, BOB] = [nodeId(1), nodeId(2)]

export function controlSuite(t: Test, open: Open): void {
  publishing(t, open)
  unpublishing(t, open)
  listing(t, open)
  controlFeedSuite(t, open)
  controlFleetSuite(t, open)
}

function publishing(t: Test, open: Open): void {
  t.test('what was committed is found by its infohash, with its metainfo', async (t) => {
    const { control } = await open(t)
    const { draft, info } = torrentOf('a film — größe.mp4', { replicas: 3 })
    const outcome = await control.commit(draft, info, ALICE)
    t.equal(outcome.status, 'created')
    t.match(outcome.entry, { ...draft, state: 'published', replicas: 3 })
    t.same(await control.lookup(draft.infoHash), outcome.entry)
    t.same(Buffer.from((await control.metainfo(draft.infoHash)) ?? []), info)
  })

  t.test('an entry that names no number of copies has the default of the fleet', async (t) => {
    const { control } = await open(t)
    const { draft, info } = torrentOf('a')
    t.equal((await control.commit(draft, info, ALICE)).entry.replicas, 2)
  })

  t.test('checksums that nobody knows yet stay unknown', async (t) => {
    const { control } = await open(t)
    const file = { index: 0, path: 'a', size: 1000, sha256: null, crc32: null }
    const { draft, info } = torrentOf('a', { files: [file] })
    await control.commit(draft, info, ALICE)
    t.same((await control.lookup(draft.infoHash))?.files, [file])
  })

  t.test('committing the same again is answered as known and changes nothing', async (t) => {
    const { control } = await open(t)
    const { draft, info } = torrentOf('a')
    const first = await control.commit(draft, info, ALICE)
    const before = await positionOf(control)
    t.same(await control.commit(draft, info, ALICE), { status: 'known', entry: first.entry })
    t.same(await positionOf(control), before)
  })

  t.test('a second node that commits the same is a second holder', async (t) => {
    const { control } = await open(t)
    const { draft, info } = torrentOf('a')
    await control.register(seeder(1))
    await control.register(seeder(2))
    await control.commit(draft, info, ALICE)
    await control.commit(draft, info, BOB)
    t.same(
      (await stateOf(control)).holders(draft.infoHash).map(({ id }) => id),
      [ALICE, BOB]
    )
  })

  t.test('an info dictionary of another torrent is refused and leaves nothing', async (t) => {
    const { control } = await open(t)
    const { draft } = torrentOf('a')
    const { info } = torrentOf('b')
    await t.rejects(control.commit(draft, info, ALICE), { code: 'METAINFO_INVALID' })
    t.equal(await control.lookup(draft.infoHash), undefined)
  })

  t.test('what nobody published is unknown', async (t) => {
    const { control } = await open(t)
    const { infoHash } = torrentOf('a').draft
    t.equal(await control.lookup(infoHash), undefined)
    t.equal(await control.metainfo(infoHash), undefined)
    t.equal(await control.unpublish(infoHash), undefined)
  })

  t.test('commits at the same moment all happen, each with a revision of its own', async (t) => {
    const { control } = await open(t)
    const torrents = ['a', 'b', 'c', 'd', 'e'].map((name) => torrentOf(name))
    const outcomes = await Promise.all(
      torrents.map(({ draft, info }) => control.commit(draft, info, ALICE))
    )
    t.equal(new Set(outcomes.map(({ entry }) => entry.revision)).size, torrents.length)
    t.equal((await stateOf(control)).entries.size, torrents.length)
  })
}

function unpublishing(t: Test, open: Open): void {
  t.test('unpublishing leaves a tombstone: found, not listed, told by the feed', async (t) => {
    const { control } = await open(t)
    const { draft, info } = torrentOf('a')
    await control.commit(draft, info, ALICE)
    const before = await positionOf(control)
    const tombstone = await control.unpublish(draft.infoHash)
    t.match(tombstone, { infoHash: draft.infoHash, state: 'unpublished' })
    t.same(await control.lookup(draft.infoHash), tombstone)
    t.same((await control.list({ limit: 10 })).items, [])
    t.same(await changesAfter(control, before), [{ type: 'entry', entry: tombstone }])
  })

  t.test('unpublishing twice writes one tombstone', async (t) => {
    const { control } = await open(t)
    const { draft, info } = torrentOf('a')
    await control.commit(draft, info, ALICE)
    const tombstone = await control.unpublish(draft.infoHash)
    t.same(await control.unpublish(draft.infoHash), tombstone)
  })

  t.test(
    'publishing again lifts the tombstone and keeps the first time of publishing',
    async (t) => {
      const { control, pass } = await open(t)
      const { draft, info } = torrentOf('a')
      const first = await control.commit(draft, info, ALICE)
      const tombstone = await control.unpublish(draft.infoHash)
      await pass(5000)
      const again = await control.commit(draft, info, ALICE)
      t.match(again, { status: 'created', entry: { state: 'published' } })
      t.ok(again.entry.revision > (tombstone?.revision ?? Infinity), 'the revision is higher')
      t.equal(again.entry.createdAt, first.entry.createdAt)
    }
  )

  t.test('after a tombstone only the new publisher counts as a holder', async (t) => {
    const { control } = await open(t)
    const { draft, info } = torrentOf('a')
    await control.register(seeder(1))
    await control.register(seeder(2))
    await control.commit(draft, info, ALICE)
    await control.unpublish(draft.infoHash)
    await control.commit(draft, info, BOB)
    t.same(
      (await stateOf(control)).holders(draft.infoHash).map(({ id }) => id),
      [BOB]
    )
  })

  t.test('what a node merely found on its disk does not lift a tombstone', async (t) => {
    const { control } = await open(t)
    const { draft, info } = torrentOf('a')
    await control.commit(draft, info, ALICE)
    const tombstone = await control.unpublish(draft.infoHash)
    const offered = await control.commit(draft, info, BOB, { keepTombstone: true })
    t.same(offered, { status: 'known', entry: tombstone })
  })

  t.test('what a node found on its disk and nobody knows is published', async (t) => {
    const { control } = await open(t)
    const { draft, info } = torrentOf('a')
    t.equal((await control.commit(draft, info, BOB, { keepTombstone: true })).status, 'created')
  })
}

function listing(t: Test, open: Open): void {
  t.test('the list goes page by page, newest first, without gaps or repeats', async (t) => {
    const { control, pass } = await open(t)
    const names = ['first', 'second', 'third', 'fourth', 'fifth']
    for (const name of names) {
      const { draft, info } = torrentOf(name)
      await control.commit(draft, info, ALICE)
      if (name !== 'third') await pass(1)
    }
    const listed: string[] = []
    let cursor: string | undefined
    do {
      const page = await control.list({ limit: 2, ...(cursor === undefined ? {} : { cursor }) })
      t.ok(page.items.length <= 2)
      listed.push(...page.items.map((entry) => entry.name))
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
    t.same(listed.toSorted(), names.toSorted())
    t.same([listed[0], listed[3], listed[4]], ['fifth', 'second', 'first'])
  })

  t.test('a cursor that was never given out is refused', async (t) => {
    const { control } = await open(t)
    await t.rejects(control.list({ limit: 2, cursor: 'nonsense' }), { code: 'REQUEST_INVALID' })
  })
}
