import t from 'tap'
import { createAnnouncing } from '../../../lib/node/announcing.ts'
import { memoryFleet } from '../../fakes/memory-fleet.ts'
import { memoryStore } from '../../fakes/memory-store.ts'
import { recordingAnnouncer } from '../../fakes/recording-announcer.ts'
import { recordingSwarm } from '../../fakes/recording-swarm.ts'
import { type SampleTorrent, sampleTorrent } from '../../fakes/sample-torrent.ts'

function open() {
  const announcer = recordingAnnouncer()
  const swarm = recordingSwarm()
  const fleet = memoryFleet()
  return {
    announcer,
    swarm,
    fleet,
    announcing: createAnnouncing({ announcer, swarm, replica: fleet })
  }
}

t.test('a joined torrent is announced with what it lacks at that moment', async (t) => {
  const { announcing, announcer, swarm } = open()
  const store = memoryStore(Buffer.alloc(20_000))
  announcing.joined({ infoHash: store.infoHash, store })
  const told = announcer.announced.get(store.infoHash)
  t.equal(told?.left(), 20_000)
  t.same(told?.totals?.(), { uploaded: 0, downloaded: 0 }, 'before the swarm says anything')
  store.arrive(0)
  store.arrive(1)
  t.equal(told?.left(), 0)
  swarm.see({
    uploaded: { seeder: 1, gateway: 2, stranger: 4 },
    downloaded: { seeder: 8, gateway: 16, stranger: 32 }
  })
  t.same(told?.totals?.(), { uploaded: 7, downloaded: 56 }, 'the bytes of every kind of peer')
})

t.test('only published content that has bytes is announced as held', async (t) => {
  const { announcing, announcer, fleet } = open()
  const [published, unpublished, unknown, empty] = [5, 5, 5, 0].map((size) =>
    sampleTorrent({ size, pieceLength: 16384 })
  ) as [SampleTorrent, SampleTorrent, SampleTorrent, SampleTorrent]
  for (const torrent of [published, unpublished, empty]) fleet.publish(torrent)
  fleet.unpublish(unpublished.metainfo.infoHash)
  for (const { metainfo } of [published, unpublished, unknown, empty]) {
    announcing.held(metainfo.infoHash)
  }
  t.same([...announcer.announced.keys()], [published.metainfo.infoHash])
  t.equal(announcer.announced.get(published.metainfo.infoHash)?.left(), 0)
})

t.test('completion and farewell are passed on', async (t) => {
  const { announcing, announcer } = open()
  const store = memoryStore(Buffer.alloc(1))
  announcing.joined({ infoHash: store.infoHash, store })
  announcing.completed(store.infoHash)
  await announcing.forget(store.infoHash)
  t.same(announcer.completed, [store.infoHash])
  t.same(announcer.forgotten, [store.infoHash])
})
