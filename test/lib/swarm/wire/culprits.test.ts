/** Liars are banned, be they gone before they are found. */
import t from 'tap'
import { createCulprits } from '../../../../lib/swarm/wire/culprits.ts'
import { createTraffic } from '../../../../lib/swarm/wire/traffic.ts'
import { fakePeer, peersOf } from './fake-peers.ts'

t.test('a liar is closed and banned; one that left before, too', async (t) => {
  const banned: string[] = []
  const [open, left, idle] = [fakePeer({ port: 1 }), fakePeer({ port: 2 }), fakePeer({ port: 3 })]
  const peers = peersOf(open, left)
  const culprits = createCulprits({ peers, book: { ban: (address) => void banned.push(address) } })
  left.peer.downloadedBytes = 1
  for (const { peer } of [left, idle]) {
    peers.delete(peer.serial)
    culprits.left(peer)
  }
  for (const { peer } of [open, left, idle]) culprits.punish(peer.serial, 'it lied')
  t.same(open.closed, ['it lied'])
  t.same(banned, ['192.0.2.1:1', '192.0.2.1:2'], 'who gave nothing cannot have lied')
})

t.test(
  'a node of the fleet is banned where it listens, not at the port it came from',
  async (t) => {
    const banned: string[] = []
    const dialled = fakePeer({ dialled: '10.0.0.1:6881', peerClass: 'seeder' })
    const culprits = createCulprits({
      peers: peersOf(dialled),
      book: { ban: (address) => void banned.push(address) }
    })
    culprits.punish(dialled.peer.serial, 'it lied')
    t.same(banned, ['10.0.0.1:6881'])
  }
)

t.test('what a peer moved before it proved itself stays counted as a stranger', async (t) => {
  const traffic = createTraffic()
  const { peer } = fakePeer()
  const counted = () => traffic.snapshot([peer], { found: 0, tried: 0 })
  peer.downloadedBytes = 100
  peer.uploadedBytes = 10
  peer.peerClass = 'gateway'
  traffic.reclassed(peer, 'stranger')
  peer.downloadedBytes = 150
  t.same(counted().downloaded, { seeder: 0, gateway: 50, stranger: 100 })
  t.same(counted().uploaded, { seeder: 0, gateway: 0, stranger: 10 })
  traffic.closed(peer)
  const after = traffic.snapshot([], { found: 0, tried: 0 })
  t.same(after.downloaded, { seeder: 0, gateway: 50, stranger: 100 })
})
