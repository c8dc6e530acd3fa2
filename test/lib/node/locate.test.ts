import t from 'tap'
import type { LocateDeps } from '../../../lib/node/locate.ts'
import { fetchMetainfo, locate } from '../../../lib/node/locate.ts'
import type { PieceStore } from '../../../lib/store/piece-store.ts'
import { memoryFleet } from '../../fakes/memory-fleet.ts'
import { memoryStore } from '../../fakes/memory-store.ts'
import { recordingSwarm } from '../../fakes/recording-swarm.ts'
import { sampleTorrent } from '../../fakes/sample-torrent.ts'

const peer = { host: '127.0.0.1', port: 1, class: 'seeder' } as const
const sample = sampleTorrent({ size: 30_000, pieceLength: 16384 })
const other = sampleTorrent({ size: 30_000, pieceLength: 16384 })
const { infoHash, info } = sample.metainfo
const anyone = () => new AbortController().signal

function prepare(over: Partial<LocateDeps> = {}) {
  const fleet = memoryFleet()
  const swarm = recordingSwarm()
  const opened: string[] = []
  const cached = memoryStore(sample.bytes)
  const deps: LocateDeps = {
    library: {
      open: async () => undefined,
      has: () => false,
      create: () => Promise.reject(new Error('not asked for'))
    },
    cache: {
      metainfo: async () => undefined,
      async open(metainfo): Promise<PieceStore> {
        opened.push(metainfo.infoHash)
        return cached
      }
    },
    control: fleet,
    swarm,
    fleetPeers: () => [peer],
    sidecarOf: () => undefined,
    patienceMs: 60_000,
    ...over
  }
  return { fleet, swarm, opened, cached, deps }
}

t.test('the library is asked first, and nobody else then', async (t) => {
  const kept = memoryStore(sample.bytes, { kind: 'library' })
  const { deps, fleet, opened } = prepare({
    library: { open: async () => kept, has: () => true, create: async () => kept }
  })
  t.equal(await locate(infoHash, deps, anyone()), kept)
  t.same(fleet.asked, [])
  t.same(opened, [])
})

t.test('metainfo that the cache kept needs no tracker', async (t) => {
  const { deps, fleet, cached } = prepare({
    cache: { metainfo: async () => info, open: async () => cached }
  })
  fleet.hanging = true
  t.equal(await locate(infoHash, deps, anyone()), cached)
  t.same(fleet.asked, [])
})

t.test('else the tracker says it, and holders are left in peace', async (t) => {
  const { deps, fleet, swarm, opened } = prepare()
  fleet.publish(sample)
  await locate(infoHash, deps, anyone())
  t.same(opened, [infoHash])
  t.same(swarm.discoveries, [])
})

t.test('a tracker that knows nothing is believed', async (t) => {
  const { deps, swarm } = prepare()
  await t.rejects(locate(infoHash, deps, anyone()), { code: 'CONTENT_UNKNOWN' })
  t.same(swarm.discoveries, [])
})

t.test('metainfo of another torrent is refused, whoever sent it', async (t) => {
  const { deps, fleet, opened, swarm } = prepare()
  fleet.infos.set(infoHash, other.metainfo.info)
  await t.rejects(locate(infoHash, deps, anyone()), { code: 'INTERNAL' })
  fleet.down = true
  swarm.onDiscover = async () => other.metainfo.info
  await t.rejects(locate(infoHash, deps, anyone()), { code: 'INTERNAL' })
  t.same(opened, [])
})

t.test('with the tracker down a holder tells it at once', async (t) => {
  const { deps, fleet, swarm } = prepare()
  fleet.down = true
  swarm.onDiscover = async () => info
  t.equal((await fetchMetainfo(infoHash, deps, anyone())).infoHash, infoHash)
})

t.test('with the tracker down and no holder known it is 503', async (t) => {
  const { deps, fleet, swarm } = prepare({ fleetPeers: () => [] })
  fleet.down = true
  await t.rejects(locate(infoHash, deps, anyone()), { code: 'TRACKER_UNAVAILABLE' })
  t.same(swarm.discoveries, [])
})

t.test('a tracker that hangs is not waited for when there are holders', async (t) => {
  const { deps, fleet, swarm } = prepare({ patienceMs: 1 })
  fleet.hanging = true
  swarm.onDiscover = async () => info
  t.equal((await fetchMetainfo(infoHash, deps, anyone())).infoHash, infoHash)
})

t.test('a slow tracker still counts when it answers before the holders', async (t) => {
  const { deps, swarm } = prepare({ patienceMs: 1 })
  const answered = Promise.withResolvers<Uint8Array | undefined>()
  const slow = { ...deps, control: { metainfo: () => answered.promise } }
  const fetching = fetchMetainfo(infoHash, slow, anyone())
  while (swarm.discoveries.length === 0) await new Promise(setImmediate)
  answered.resolve(undefined)
  await t.rejects(fetching, { code: 'CONTENT_UNKNOWN' }, 'also when its word is no')
})

t.test('whoever waits may leave, whatever hangs', async (t) => {
  for (const peers of [[], [peer]]) {
    const { deps, fleet } = prepare({ patienceMs: 1, fleetPeers: () => peers })
    fleet.hanging = true
    const leaving = new AbortController()
    const fetching = fetchMetainfo(infoHash, deps, leaving.signal)
    await new Promise(setImmediate)
    leaving.abort(new Error('left'))
    await t.rejects(fetching, { message: 'left' })
  }
})

t.test('holders that never answer end with the deadline of whoever asked', async (t) => {
  const { deps, fleet, swarm } = prepare()
  fleet.down = true
  const leaving = new AbortController()
  const fetching = fetchMetainfo(infoHash, deps, leaving.signal)
  while (swarm.discoveries.length === 0) await new Promise(setImmediate)
  leaving.abort(new Error('too late'))
  await t.rejects(fetching, { message: 'too late' })
})
