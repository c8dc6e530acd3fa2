import t from 'tap'
import { Check, Errors } from 'typebox/value'
import { parseMagnet } from '../../../core/magnet.ts'
import {
  TorrentSchema,
  type TorrentView,
  torrentPath,
  toTorrentObject
} from '../../../lib/api/torrent.ts'
import { createTorrentPresenter } from '../../../lib/api/torrent-presenter.ts'
import { entryOf, HASH, nodeOf } from '../../gateway/publish/fleet.ts'

const STATS = {
  found: 0,
  tried: 0,
  connected: 0,
  peers: 4,
  seeds: 3,
  downloaded: { seeder: 0, gateway: 0, stranger: 0 },
  uploaded: { seeder: 0, gateway: 0, stranger: 0 }
}

function objectOf(view: Partial<TorrentView> = {}, entry = entryOf()) {
  return toTorrentObject(entry, {
    baseUrl: 'http://g.test',
    announceUrls: ['http://t.test/announce'],
    holders: [{ id: 'a', live: true }],
    liveSeeders: 1,
    ...view
  })
}

t.test('the torrent object has exactly the fields of the contract', async (t) => {
  const torrent = objectOf()
  t.same([...Errors(TorrentSchema, torrent)], [])
  const { links, ...rest } = torrent
  t.strictSame(rest, {
    infoHash: HASH,
    name: 'movie.mp4',
    title: null,
    status: 'seeding',
    size: 7,
    bytesDone: 7,
    files: [{ path: 'movie.mp4', size: 7, sha256: 'cd'.repeat(32) }],
    replicas: {
      wanted: 1,
      ready: 1,
      nodes: [{ id: 'a', status: 'seeding', bytesDone: 7, updatedAt: null }]
    },
    swarm: { peers: 0, seeds: 1 },
    tags: {},
    createdAt: '2026-11-22T00:00:00.000Z',
    expiresAt: null,
    problem: null
  })
  t.same(Object.keys(links), ['gateway', 'torrent', 'magnet', 'self'])
  t.notOk(Check(TorrentSchema, { ...torrent, status: 'happy' }), 'the schema can fail')
})

t.test('links name the file, the .torrent, the magnet and the resource', async (t) => {
  const { links } = objectOf({}, entryOf({ name: 'ä b?.mp4' }))
  t.equal(links.gateway, `http://g.test/${HASH}/%C3%A4%20b%3F.mp4`)
  t.equal(links.torrent, `http://g.test/${HASH}.torrent`)
  t.equal(links.self, `http://g.test${torrentPath(HASH)}`)
  t.match(parseMagnet(links.magnet), {
    infoHash: HASH,
    name: 'ä b?.mp4',
    trackers: ['http://t.test/announce']
  })
  t.equal(new URL(links.magnet).searchParams.get('ws'), links.gateway, 'web seed of a file')
})

t.test(
  'a folder is linked with its slash, its web seed is the folder above (BEP 19)',
  async (t) => {
    const { links } = objectOf({}, entryOf({ single: false, name: 'album' }))
    t.equal(links.gateway, `http://g.test/${HASH}/album/`)
    t.equal(new URL(links.magnet).searchParams.get('ws'), `http://g.test/${HASH}/`)
  }
)

t.test('copies: as many wanted as seeders live, as many ready as live nodes hold it', async (t) => {
  const holders = [nodeOf({ id: 'a' }), nodeOf({ id: 'b', live: false })]
  const { replicas, swarm } = objectOf({ holders, liveSeeders: 5 })
  t.equal(replicas.wanted, 2)
  t.equal(replicas.ready, 1)
  t.same(
    replicas.nodes.map(({ status }) => status),
    ['seeding', 'offline']
  )
  t.same(swarm, { peers: 0, seeds: 1 })
  t.equal(objectOf({ liveSeeders: 0, holders: [] }).replicas.wanted, 1)
})

t.test('the presenter asks replica and swarm at the moment of the answer', async (t) => {
  const nodes = [nodeOf({ id: 'a' }), nodeOf({ id: 'g', roles: ['gateway'] })]
  const present = createTorrentPresenter({
    replica: { nodes: () => nodes, holders: () => nodes.slice(0, 1) },
    announceUrls: [],
    statsOf: (infoHash) => (infoHash === HASH ? STATS : undefined)
  })
  const before = present(entryOf({ replicas: 3 }), 'http://g.test')
  t.match(before, { replicas: { wanted: 1, ready: 1 }, swarm: { peers: 4, seeds: 3 } })
  nodes.push(nodeOf({ id: 'b' }))
  t.equal(present(entryOf({ replicas: 3 }), 'http://g.test').replicas.wanted, 2)
})
