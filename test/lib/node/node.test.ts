import { writeFile } from 'node:fs/promises'
import t from 'tap'
import { pieceSpan } from '../../../core/geometry.ts'
import { createPieceFiles } from '../../../lib/store/piece-files.ts'
import { fakeSpace } from '../../fakes/disk-space.ts'
import { SELF } from '../../fakes/memory-fleet.ts'
import { sampleTorrent } from '../../fakes/sample-torrent.ts'
import { testFolder } from '../../fakes/test-folder.ts'
import { openRig, store, turns, until } from './node-rig.ts'

const PIECE = 16384
const anyone = () => new AbortController().signal
const sample = () => sampleTorrent({ size: 3 * PIECE + 5, pieceLength: PIECE })

t.test('the library is read before the cache, without swarm or tracker', async (t) => {
  const rig = await openRig(t)
  const torrent = sample()
  await store(rig.library, torrent)
  rig.fleet.hanging = true
  const session = await rig.node.open(torrent.metainfo.infoHash, anyone())
  t.equal(session.store.kind, 'library')
  t.same(rig.fleet.asked, [])
  t.same(rig.swarm.joined, [])
})

t.test('hosting fetches everything, then reports and announces it', async (t) => {
  const rig = await openRig(t)
  const torrent = sample()
  const { infoHash, geometry } = torrent.metainfo
  rig.fleet.publish(torrent)
  rig.fleet.holder(infoHash)
  const hosting = rig.node.host(infoHash, anyone())
  await until(() => rig.swarm.joined.length === 1)
  t.match(rig.swarm.joined[0], { want: { all: true }, peers: [{ port: 6999, class: 'seeder' }] })
  t.equal(rig.announcer.announced.get(infoHash)?.left(), torrent.bytes.length)
  for (let index = 0; index < geometry.pieceCount; index++) {
    await rig.swarm.deliver(torrent, index, rig.descriptors)
  }
  await hosting
  t.ok(rig.library?.complete(infoHash))
  t.equal(rig.announcer.announced.get(infoHash)?.left(), 0)
  t.same(rig.announcer.completed, [infoHash])
  t.same(rig.fleet.reports, [{ replace: false, held: [infoHash], dropped: [] }])
  t.ok(
    rig.fleet.holders(infoHash).every(({ id }) => id !== SELF),
    'a node that has not registered is not in its own view'
  )
})

t.test('hosting that is interrupted goes on where it was', async (t) => {
  const rig = await openRig(t)
  const torrent = sample()
  const { infoHash, geometry } = torrent.metainfo
  rig.fleet.publish(torrent)
  const patience = new AbortController()
  const first = rig.node.host(infoHash, patience.signal)
  await until(() => rig.swarm.joined.length === 1)
  patience.abort(new Error('too slow'))
  await t.rejects(first, { message: 'too slow' })
  const second = rig.node.host(infoHash, anyone())
  for (let index = 0; index < geometry.pieceCount; index++) {
    await rig.swarm.deliver(torrent, index, rig.descriptors)
  }
  await second
  t.same(rig.fleet.asked, [infoHash], 'the metainfo was asked for once')
})

t.test('a cached torrent that is hosted moves with its pieces, under its readers', async (t) => {
  const rig = await openRig(t)
  const torrent = sample()
  const { infoHash, geometry } = torrent.metainfo
  rig.fleet.publish(torrent)
  const session = await rig.node.open(infoHash, anyone())
  const seat = session.sit()
  await seat.want({ first: 0, end: geometry.pieceCount }, anyone())
  for (const index of [0, 2]) await rig.swarm.deliver(torrent, index, rig.descriptors)
  const waiting = session.store.whenProven(3, anyone())
  const left = Promise.withResolvers<void>()
  rig.swarm.onLeave = () => left.promise

  const hosting = rig.node.host(infoHash, anyone())
  await until(() => rig.swarm.left.length === 1)
  await rig.swarm.deliver(torrent, 1, rig.descriptors)
  left.resolve()
  await until(() => rig.swarm.joined.length === 2)
  t.equal(session.store.kind, 'library', 'the session goes on')
  t.notOk(session.gone.aborted)
  t.match(rig.swarm.joined[1], { want: { windows: [{ first: 0, end: 4 }] } })
  await until(() => rig.cache?.has(infoHash) === false)
  const target = Buffer.alloc(3 * PIECE)
  await session.store.read({ start: 0, end: 3 * PIECE }, target, anyone())
  t.ok(target.equals(torrent.bytes.subarray(0, 3 * PIECE)), 'also what came at the last moment')

  await rig.swarm.deliver(torrent, geometry.pieceCount - 1, rig.descriptors)
  await waiting
  await hosting
  t.ok(rig.library?.complete(infoHash))
  seat.leave()
})

t.test('a cached torrent that is unpublished while it moves is gone everywhere', async (t) => {
  const rig = await openRig(t)
  const torrent = sample()
  const { infoHash } = torrent.metainfo
  rig.fleet.publish(torrent)
  const session = await rig.node.open(infoHash, anyone())
  session.join()
  const left = Promise.withResolvers<void>()
  rig.swarm.onLeave = () => left.promise
  const hosting = rig.node.host(infoHash, anyone())
  await until(() => rig.swarm.left.length === 1)
  const dropped = rig.node.drop(infoHash)
  left.resolve()
  await t.rejects(hosting, { code: 'CONTENT_GONE' })
  await dropped
  t.same([rig.library?.has(infoHash), rig.cache?.has(infoHash)], [false, false])
})

t.test('a short disk stops the fetching of assigned content until there is room', async (t) => {
  const space = fakeSpace(2 ** 30)
  const rig = await openRig(t, { space })
  const torrent = sample()
  const { infoHash } = torrent.metainfo
  rig.fleet.publish(torrent)
  const stop = new AbortController()
  const hosting = rig.node.host(infoHash, stop.signal)
  await until(() => rig.swarm.wants.at(-1)?.all === true)
  space.become(-1)
  t.equal(rig.swarm.wants.at(-1)?.all, false)
  space.become(2 ** 20)
  t.equal(rig.swarm.wants.at(-1)?.all, true)

  space.become(-1)
  const other = sample()
  rig.fleet.publish(other)
  await t.rejects(rig.node.host(other.metainfo.infoHash, anyone()), { code: 'STORE_FULL' })
  stop.abort(new Error('enough'))
  await t.rejects(hosting, { message: 'enough' })
})

t.test('what was unpublished while its metainfo came is not hosted', async (t) => {
  const rig = await openRig(t)
  const torrent = sample()
  const { infoHash, info } = torrent.metainfo
  rig.fleet.publish(torrent)
  rig.fleet.holder(infoHash)
  rig.fleet.down = true
  const found = Promise.withResolvers<Uint8Array>()
  rig.swarm.onDiscover = () => found.promise
  const hosting = rig.node.host(infoHash, anyone())
  await until(() => rig.swarm.discoveries.length === 1)
  rig.fleet.unpublish(infoHash)
  found.resolve(info)
  await t.rejects(hosting, { code: 'CONTENT_GONE' })
  t.notOk(rig.library?.has(infoHash))
})

t.test('an upload of what the cache has is read from the library from then on', async (t) => {
  const rig = await openRig(t)
  const torrent = sample()
  const { infoHash } = torrent.metainfo
  rig.fleet.publish(torrent)
  await rig.node.open(infoHash, anyone())
  await store(rig.library, torrent)
  await rig.node.host(infoHash, anyone())
  t.equal((await rig.node.open(infoHash, anyone())).store.kind, 'library')
  t.notOk(rig.cache?.has(infoHash))
})

t.test('a tombstone ends readers with 410, leaves the cache and stops announcing', async (t) => {
  const rig = await openRig(t)
  const torrent = sample()
  const { infoHash } = torrent.metainfo
  rig.fleet.publish(torrent)
  const session = await rig.node.open(infoHash, anyone())
  session.join()
  t.ok(rig.announcer.announced.has(infoHash))
  rig.fleet.unpublish(infoHash)
  t.match(session.gone.reason, { code: 'CONTENT_GONE' })
  await until(() => rig.cache?.has(infoHash) === false)
  t.same(rig.swarm.left, [infoHash])
  t.notOk(rig.announcer.announced.has(infoHash))
})

t.test('a tombstone leaves the library to the seeder; dropping it takes everything', async (t) => {
  const rig = await openRig(t)
  const torrent = sample()
  const { infoHash } = torrent.metainfo
  await store(rig.library, torrent)
  rig.fleet.publish(torrent)
  await rig.node.share(infoHash)
  const session = await rig.node.open(infoHash, anyone())
  rig.fleet.unpublish(infoHash)
  await turns()
  t.ok(rig.library?.has(infoHash), 'the node itself deletes nothing durable')
  await Promise.all([rig.node.drop(infoHash), rig.node.drop(infoHash)])
  t.notOk(rig.library?.has(infoHash))
  t.match(session.gone.reason, { code: 'CONTENT_GONE' })
  t.same(rig.announcer.forgotten, [infoHash])
})

t.test(
  'a reader that comes while content is dropped never gets a store that is gone',
  async (t) => {
    const rig = await openRig(t)
    const torrent = sample()
    const { infoHash } = torrent.metainfo
    await store(rig.library, torrent)
    const before = await rig.node.open(infoHash, anyone())
    const dropping = rig.node.drop(infoHash)
    const reading = rig.node.open(infoHash, anyone())
    await dropping
    await t.rejects(reading, { code: 'CONTENT_UNKNOWN' })
    t.ok(before.gone.aborted)
    await store(rig.library, torrent)
    const again = await rig.node.open(infoHash, anyone())
    t.ok(await again.store.prove(0, anyone()), 'published again it is whole')
  }
)

t.test('an opening that hangs does not hold up dropping, and hears why it ended', async (t) => {
  const rig = await openRig(t)
  const torrent = sample()
  const { infoHash } = torrent.metainfo
  rig.fleet.publish(torrent)
  rig.fleet.hanging = true
  const opening = rig.node.open(infoHash, anyone())
  opening.catch(() => {})
  await until(() => rig.fleet.asked.length === 1)
  await rig.node.drop(infoHash)
  await t.rejects(opening, { code: 'CONTENT_GONE' })
})

t.test('a knock wakes what this node holds, and nothing else', async (t) => {
  const rig = await openRig(t)
  const [held, foreign, gone] = [sample(), sample(), sample()]
  await store(rig.library, held)
  await store(rig.library, gone)
  rig.fleet.publish(foreign)
  rig.fleet.publish(gone)
  rig.fleet.unpublish(gone.metainfo.infoHash)
  for (const { metainfo } of [foreign, gone, held]) {
    rig.swarm.tell((listener) => listener.knock?.(metainfo.infoHash))
  }
  await until(() => rig.swarm.joined.length > 0)
  await turns()
  t.match(rig.swarm.joined, [{ infoHash: held.metainfo.infoHash, want: { all: false } }])
  t.equal(rig.swarm.joined.length, 1)
})

t.test('bytes the engine found wrong are withdrawn, fetched again and shared again', async (t) => {
  const rig = await openRig(t)
  const torrent = sample()
  const { infoHash, geometry } = torrent.metainfo
  await store(rig.library, torrent)
  rig.fleet.publish(torrent)
  await rig.node.share(infoHash)
  const session = await rig.node.open(infoHash, anyone())
  session.join()
  const files = createPieceFiles(session.store.shared, rig.descriptors)
  await files.write(pieceSpan(geometry, 1).start, Buffer.alloc(PIECE))
  t.notOk(await session.store.prove(1, anyone()))
  rig.swarm.tell((listener) => listener.failed?.(infoHash, 1, 'disk'))
  t.equal(rig.swarm.wants.at(-1)?.all, true)
  await session.store.flush()
  await until(() => rig.fleet.reports.length === 2)
  t.match(rig.fleet.reports[1], { held: [], dropped: [infoHash] })
  await rig.swarm.deliver(torrent, 1, rig.descriptors)
  await until(() => rig.fleet.reports.length === 3)
  t.match(rig.fleet.reports[2], { held: [infoHash], dropped: [] })
  t.notOk(session.busy, 'it may sleep again')
})

t.test('wrong bytes on the wire and news of unknown torrents change nothing', async (t) => {
  const rig = await openRig(t)
  const torrent = sample()
  const { infoHash } = torrent.metainfo
  await store(rig.library, torrent)
  rig.swarm.tell((listener) => listener.failed?.(infoHash, 1, 'wire'))
  rig.swarm.tell((listener) => listener.failed?.(infoHash, 1, 'disk'))
  rig.swarm.tell((listener) => listener.verified?.(infoHash, 1, 'stranger'))
  t.same(rig.swarm.joined, [])
})

t.test('a joined torrent is introduced to a new holder, and to nodes that come back', async (t) => {
  const rig = await openRig(t)
  const torrent = sample()
  const { infoHash } = torrent.metainfo
  rig.fleet.publish(torrent)
  const session = await rig.node.open(infoHash, anyone())
  rig.fleet.holder(infoHash, { wire: ['10.0.0.1:1'] })
  t.same(rig.swarm.introduced, [], 'not while it sleeps')
  session.join()
  t.match(rig.swarm.joined[0]?.peers, [{ host: '10.0.0.1', port: 1 }])
  const back = rig.fleet.holder(infoHash, { wire: ['10.0.0.2:2'], revision: 5 })
  t.match(rig.swarm.introduced.at(-1), { host: '10.0.0.2', port: 2, class: 'seeder' })
  const heard = rig.swarm.introduced.length
  rig.fleet.apply({ type: 'node', node: { ...back, live: false, revision: 6 } })
  t.equal(rig.swarm.introduced.length, heard, 'not to one that left')
})

t.test('a library torrent whose metainfo is damaged is mended from the tracker', async (t) => {
  const folder = testFolder(t)
  const torrent = sample()
  const { infoHash } = torrent.metainfo
  const before = await openRig(t, { folder })
  await store(before.library, torrent)
  await before.close()
  const path = `${folder}/seeder/library/${infoHash.slice(0, 2)}/${infoHash}/metainfo`
  await writeFile(path, 'torn')
  const rig = await openRig(t, { folder, cache: false })
  rig.fleet.publish(torrent)
  const session = await rig.node.open(infoHash, anyone())
  t.equal(session.store.kind, 'library')
  t.ok(await session.store.prove(0, anyone()), 'the bytes are the same as before')
})

t.test('a seeder without the torrent says so without asking anybody', async (t) => {
  const rig = await openRig(t, { cache: false })
  await t.rejects(rig.node.open(sample().metainfo.infoHash, anyone()), { code: 'CONTENT_UNKNOWN' })
  t.same(rig.fleet.asked, [])
})

t.test(
  'a node that is closed listens to nobody, and a hanging tracker does not hold it',
  async (t) => {
    const rig = await openRig(t)
    rig.fleet.hanging = true
    rig.node.enlist({
      wire: ['127.0.0.1:1'],
      ingestUrl: null,
      zone: 'default',
      wantsKey: false,
      capacityBytes: undefined
    })
    const opening = rig.node.open(sample().metainfo.infoHash, anyone())
    opening.catch(() => {})
    await turns()
    await rig.node.close()
    await rig.node.close()
    await t.rejects(opening, { code: 'SHUTTING_DOWN' })
    t.equal(rig.swarm.listeners.size, 0)
    t.equal(rig.fleet.listeners.size, 0)
    await t.rejects(rig.node.open(sample().metainfo.infoHash, anyone()), { code: 'SHUTTING_DOWN' })
  }
)

t.test('registering reports the whole library and announces it', async (t) => {
  const rig = await openRig(t)
  const [one, other, empty] = [sample(), sample(), sampleTorrent({ size: 0, pieceLength: PIECE })]
  for (const torrent of [one, other, empty]) {
    await store(rig.library, torrent)
    rig.fleet.publish(torrent)
  }
  rig.node.enlist({
    wire: ['127.0.0.1:1'],
    ingestUrl: null,
    zone: 'default',
    wantsKey: false,
    capacityBytes: undefined
  })
  await until(() => rig.node.enlisted)
  const [report] = rig.fleet.reports
  t.equal(report?.replace, true)
  const all = [one, other, empty].map(({ metainfo }) => metainfo.infoHash).sort()
  t.same([...(report?.held ?? [])].sort(), all)
  t.notOk(rig.announcer.announced.has(empty.metainfo.infoHash), 'nothing to find in an empty one')
  t.ok(rig.announcer.announced.has(one.metainfo.infoHash))
})
