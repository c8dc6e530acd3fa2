/** Who is who after the handshake: proofs, classes, and one connection for two that meet twice. */
import t from 'tap'
import type { FleetIdentity, PeerClass } from '../../../../lib/swarm/contract.ts'
import { createPeerBook } from '../../../../lib/swarm/peer-book.ts'
import { encodeExtensionHandshake } from '../../../../lib/swarm/wire/extension-handshake.ts'
import { proveNode } from '../../../../lib/swarm/wire/fleet-proof.ts'
import { createIntroductions } from '../../../../lib/swarm/wire/introductions.ts'
import type { Peer } from '../../../../lib/swarm/wire/peer.ts'
import { makeContent } from '../torrent-folder.ts'
import { fakeDate } from './fake-date.ts'
import { extensionsOf, type FakePeer, type FakePeerOptions, fakePeer } from './fake-peers.ts'

const { infoHash } = makeContent('introductions', 1)
const FLEET: FleetIdentity = {
  secret: 'a secret of thirty-two characters',
  nodeId: 'me',
  role: 'gateway',
  wire: undefined
}

function makeTorrent(identity: FleetIdentity | 'alone' = FLEET) {
  const fleet = identity === 'alone' ? undefined : identity
  const peers = new Map<number, Peer>()
  const proven: string[] = []
  const reclassed: PeerClass[] = []
  const book = createPeerBook()
  const introductions = createIntroductions({
    config: {
      host: '::',
      port: 0,
      maxPeers: 9,
      maxPeersPerTorrent: 9,
      maxPeersPerAddress: 9,
      fleet,
      access: 'open'
    },
    port: () => 6881,
    infoHash,
    peers,
    book,
    sharing: () => undefined,
    mayServe: () => true,
    proven: ({ node }) => void proven.push(node ?? ''),
    reclassed: (_, before) => void reclassed.push(before)
  })

  function come(options: FakePeerOptions = {}): FakePeer {
    const fake = fakePeer({
      infoHash,
      ...options,
      owner: {
        introduced: introductions.introduced,
        closed: (peer) => void peers.delete(peer.serial)
      }
    })
    peers.set(fake.peer.serial, fake.peer)
    return fake
  }

  return { come, proven, reclassed, book, introductions }
}

/** The peer says that it is node `id`. */
function claim(fake: FakePeer, id: string, more: { secret?: string; replayed?: Buffer } = {}) {
  const { secret = FLEET.secret, replayed } = more
  const { peer } = fake
  const proof =
    replayed ??
    proveNode({
      secret,
      infoHash,
      senderPeerId: peer.their.peerId,
      receiverPeerId: peer.ourId,
      nodeId: id,
      role: 'seeder'
    })
  const node = { id, role: 'seeder', proof, wire: '10.0.0.1:6881' } as const
  const ours = { reqq: 1, version: '', uploadOnly: false, pex: false, node }
  fake.says((out) => out.extended(0, encodeExtensionHandshake(ours)))
  return proof
}

t.test('a proof counts on the connection it was made for, and once', async (t) => {
  const { come, proven, reclassed } = makeTorrent()
  const [node, liar, thief] = [come(), come(), come()]
  const proof = claim(node, 'n')
  claim(node, 'n')
  claim(liar, 'n', { secret: 'another secret' })
  claim(thief, 'n', { replayed: proof })
  t.same(proven, ['n'])
  t.same(reclassed, ['stranger'])
  t.equal(node.peer.peerClass, 'seeder')
  t.equal(liar.peer.peerClass, 'stranger')
  t.equal(thief.peer.node, undefined)
  t.same([node.closed, liar.closed, thief.closed], [[], [], []], 'a stranger may be one')
})

t.test('without a fleet whoever listens where a node is known to is that node', async (t) => {
  const { come, book } = makeTorrent('alone')
  book.add([{ host: '192.0.2.1', port: 7000, class: 'seeder' }])
  const [node, other] = [come({ host: '192.0.2.1' }), come({ host: '192.0.2.2' })]
  for (const fake of [node, other])
    fake.says((out) => out.extended(0, extensionsOf({ port: 7000 })))
  t.equal(node.peer.peerClass, 'seeder')
  t.equal(other.peer.peerClass, 'stranger')
})

t.test('of two connections that crossed both sides keep the same', async (t) => {
  const low = Buffer.alloc(20, 1)
  for (const ourDialLoses of [false, true]) {
    const { come } = makeTorrent()
    const dialled = come({ host: '192.0.2.1', dialled: '192.0.2.1:7000' })
    const incoming = come({
      host: '192.0.2.1',
      peerId: ourDialLoses ? low : Buffer.alloc(20, 255)
    })
    for (const { says } of [dialled, incoming]) {
      says((out) => out.extended(0, extensionsOf({ port: 7000 })))
    }
    t.equal(dialled.closed.length, ourDialLoses ? 1 : 0)
    t.equal(incoming.closed.length, ourDialLoses ? 0 : 1)
  }
})

t.test('a node that was dialled under another name is one node, and known by both', async (t) => {
  const { come } = makeTorrent()
  const dialled = come({ dialled: 'seeder.example:6881' })
  const incoming = come({ peerId: Buffer.alloc(20, 0) })
  claim(dialled, 'n')
  claim(incoming, 'n')
  t.equal(dialled.closed.length, 1)
  t.equal(incoming.peer.alias, 'seeder.example:6881', 'which is not dialled again')
})

t.test('who dials again after a while has lost the earlier connection', async (t) => {
  const clock = fakeDate(t)
  const { come } = makeTorrent()
  const earlier = come({ peerId: Buffer.alloc(20, 0) })
  claim(earlier, 'n')
  clock.tick(10_000)
  const later = come({ peerId: Buffer.alloc(20, 255) })
  claim(later, 'n')
  t.equal(earlier.closed.length, 1)
  t.same(later.closed, [])
})

t.test('two strangers behind one router may claim one port', async (t) => {
  const { come } = makeTorrent()
  const [one, two] = [come({ host: '192.0.2.1' }), come({ host: '192.0.2.1' })]
  for (const { says } of [one, two]) says((out) => out.extended(0, extensionsOf({ port: 6881 })))
  t.same([...one.closed, ...two.closed], [])
})

t.test('no stranger takes the place of a node by naming its address', async (t) => {
  const { come } = makeTorrent()
  const node = come({ host: '10.0.0.1' })
  claim(node, 'n')
  const liar = come({ host: '10.0.0.1', peerId: Buffer.alloc(20, 0) })
  liar.says((out) => out.extended(0, extensionsOf({ port: 6881 })))
  t.same(node.closed, [])
})
