import t from 'tap'
import { AppError } from '../../../core/errors.ts'
import type { InfoHash } from '../../../core/info-hash.ts'
import { sampleTorrent } from '../../fakes/sample-torrent.ts'
import { testFolder } from '../../fakes/test-folder.ts'
import { openRig, store, turns, until } from './node-rig.ts'

const NEVER = new AbortController().signal
const denied = new AppError('CONTENT_DENIED', 'denied')
const sample = () => sampleTorrent({ size: 30_000, pieceLength: 16_384 })

t.test('a cached torrent that gets denied resets its readers and is deleted', async (t) => {
  const { node, fleet, cache } = await openRig(t, { library: false })
  const [bad, good] = [sample(), sample()]
  fleet.publish(bad)
  fleet.publish(good)
  const sessions = [bad, good].map(({ metainfo }) => node.open(metainfo.infoHash, NEVER))
  const [badly, well] = await Promise.all(sessions)
  badly?.sit()
  const objections = new Set<InfoHash>()
  const review = node.restrict((infoHash) => (objections.has(infoHash) ? denied : undefined))
  review()
  t.notOk(badly?.gone.aborted)
  objections.add(bad.metainfo.infoHash)
  review()
  t.equal(badly?.gone.reason, denied)
  await until(() => cache?.has(bad.metainfo.infoHash) === false)
  t.notOk(well?.gone.aborted)
})

t.test('a denied torrent that sleeps in the cache answers no peer', async (t) => {
  const folder = testFolder(t)
  const one = sample()
  const { infoHash } = one.metainfo
  const before = await openRig(t, { library: false, folder })
  before.fleet.publish(one)
  const session = await before.node.open(infoHash, NEVER)
  await session.sit().want({ first: 0, end: 1 }, NEVER)
  await before.swarm.deliver(one, 0, before.descriptors)
  await before.close()

  const { node, swarm } = await openRig(t, { library: false, folder })
  const knock = () => swarm.tell((listener) => listener.knock?.(infoHash))
  const refused = Promise.withResolvers<void>()
  node.restrict(() => {
    refused.resolve()
    return denied
  })
  knock()
  await refused.promise
  await turns()
  t.same(swarm.joined, [])
  node.restrict(() => undefined)
  knock()
  await until(() => swarm.joined.length === 1)
})

t.test('the library is not the denylist’s', async (t) => {
  const { node, fleet, library, swarm } = await openRig(t, { cache: false })
  const one = sample()
  fleet.publish(one)
  await store(library, one)
  const session = await node.open(one.metainfo.infoHash, NEVER)
  const review = node.restrict(() => denied)
  review()
  await turns()
  t.notOk(session.gone.aborted)
  swarm.tell((listener) => listener.knock?.(one.metainfo.infoHash))
  await until(() => swarm.joined.length === 1)
})
