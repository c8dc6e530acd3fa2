/** Nodes of one fleet among each other: proofs, access, and how gateways share the origin. */
import { join } from 'node:path'
import t from 'tap'
import type { PeerAddress, TorrentStats } from '../../../../lib/swarm/contract.ts'
import { createSwarm, type Swarm, type SwarmConfig } from '../../../../lib/swarm/swarm.ts'
import { silentLog } from '../../../fakes/silent-log.ts'
import { testFolder } from '../../../fakes/test-folder.ts'
import { dial, FAST, ID } from '../raw-peer.ts'
import { listen, type SwarmNews, verified } from '../swarm-events.ts'
import { type Content, EVERYTHING, makeContent, makeFolder, NOTHING } from '../torrent-folder.ts'

type Test = Pick<typeof t, 'testdir' | 'teardown'>
type Fleet = NonNullable<SwarmConfig['fleet']>

const SECRET = 'a secret of thirty-two characters'

async function node(t: Test, fleet: Fleet | undefined, access: 'open' | 'fleet' = 'open') {
  const swarm = await createSwarm(
    { engine: 'wire', wireHost: '127.0.0.1', wirePort: 0, workers: 1, fleet, access },
    { log: silentLog }
  )
  t.teardown(() => swarm.close())
  return swarm
}

const seederOf = (nodeId: string): Fleet => ({ secret: SECRET, nodeId, role: 'seeder' })
const gatewayOf = (nodeId: string): Fleet => ({ secret: SECRET, nodeId, role: 'gateway' })

function addressOf(swarm: Swarm, peerClass: PeerAddress['class']): PeerAddress {
  return { host: '127.0.0.1', port: swarm.ports[0] ?? 0, class: peerClass }
}

function isStats(test: (stats: TorrentStats) => boolean) {
  return (news: SwarmNews): news is SwarmNews & { type: 'stats' } =>
    news.type === 'stats' && test(news.stats)
}

function uploadedToGateways({ bytes }: Content) {
  return isStats(({ uploaded }) => uploaded.gateway >= bytes.length)
}

function range(end: number): number[] {
  return Array.from({ length: end }, (_, index) => index)
}

t.test('an incoming connection counts as the node that it proves to be', async (t) => {
  const content = makeContent('proven', 6)
  const dir = testFolder(t)
  const full = await makeFolder(content, join(dir, 'full'), { full: true })
  const empty = await makeFolder(content, join(dir, 'empty'), { full: false })
  const giver = await node(t, seederOf('s'))
  const taker = await node(t, gatewayOf('g'))
  const events = listen(taker, content.infoHash)
  const doors = listen(giver, content.infoHash)
  giver.join(full.torrent(NOTHING))
  taker.join(empty.torrent(EVERYTHING, [addressOf(giver, 'stranger')]))
  await verified(events, range(6))
  t.ok(events.seen.every((news) => news.type !== 'verified' || news.from === 'seeder'))
  const { stats } = await doors.first(uploadedToGateways(content))
  t.equal(stats.uploaded.stranger, 0)
})

t.test('with access for the fleet a stranger is told nothing and is closed', async (t) => {
  const content = makeContent('fleet only', 3)
  const full = await makeFolder(content, join(testFolder(t), 'full'), { full: true })
  const giver = await node(t, seederOf('s'), 'fleet')
  giver.join(full.torrent(NOTHING))
  const peer = await dial(giver.ports[0] ?? 0, content.infoHash)
  peer.greet()
  peer.extendedHandshake({ ut_metadata: 3 })
  peer.send(FAST.haveNone)
  peer.send(ID.interested)
  peer.request(0, 0, 16_384)
  peer.extended(1, Buffer.from('d8:msg_typei0e5:piecei0ee'))
  await peer.closed
  const told = peer.received.filter(({ id, body }) => id !== 20 || body[0] !== 0)
  t.same(
    told.filter(({ id, body }) => !(id === 20 && body.includes('msg_typei2'))),
    [],
    'no bitfield, no metadata, no piece'
  )
  const ours = peer.received.find(({ id, body }) => id === 20 && body[0] === 0)
  t.notOk(ours?.body.includes('metadata_size'), 'not even the size of the metainfo')
})

t.test(
  'with access for the fleet its nodes are served, others of another secret are not',
  async (t) => {
    const content = makeContent('fleet served', 4)
    const dir = testFolder(t)
    const full = await makeFolder(content, join(dir, 'full'), { full: true })
    const empty = await makeFolder(content, join(dir, 'empty'), { full: false })
    const other = await makeFolder(content, join(dir, 'other'), { full: false })
    const giver = await node(t, seederOf('s'), 'fleet')
    giver.join(full.torrent(NOTHING))
    const impostor = await node(t, { ...gatewayOf('g'), secret: 'another secret' }, 'fleet')
    impostor.join(other.torrent(EVERYTHING, [addressOf(giver, 'seeder')]))
    const taker = await node(t, gatewayOf('g'), 'fleet')
    const events = listen(taker, content.infoHash)
    taker.join(empty.torrent(EVERYTHING, [addressOf(giver, 'seeder')]))
    await verified(events, range(4))
    t.equal(other.bits.count(), 0)
  }
)

t.test(
  'gateways hear of each other from the seeder and take each byte from it about once',
  async (t) => {
    const pieces = 120
    const content = makeContent('shared out', pieces)
    const dir = testFolder(t)
    const full = await makeFolder(content, join(dir, 'full'), { full: true })
    const seeder = await node(t, seederOf('s'))
    const doors = listen(seeder, content.infoHash)
    seeder.join(full.torrent(NOTHING))
    const gateways = await Promise.all(
      ['a', 'b', 'c'].map(async (id) => {
        const swarm = await node(t, gatewayOf(id))
        const folder = await makeFolder(content, join(dir, id), { full: false })
        const events = listen(swarm, content.infoHash)
        swarm.join(folder.torrent(NOTHING, [addressOf(seeder, 'seeder')]))
        return { swarm, folder, events }
      })
    )
    // Each hears of the two others: three connections.
    await Promise.all(
      gateways.map(({ events }) => events.first(isStats(({ peers }) => peers === 3)))
    )
    for (const { swarm } of gateways) {
      swarm.want(content.infoHash, { all: false, windows: [{ first: 0, end: pieces }] })
    }
    await Promise.all(gateways.map(({ events }) => verified(events, range(pieces))))
    for (const { folder } of gateways) t.ok((await folder.read()).equals(content.bytes))
    const { stats } = await doors.first(uploadedToGateways(content))
    const copies = stats.uploaded.gateway / content.bytes.length
    t.ok(copies < 2, `the seeder sent ${copies.toFixed(2)} copies to 3 gateways`)
  }
)
