/** What peers hear of each other through us, and what we believe of what they say. */
import t from 'tap'
import type { PeerAddress } from '../../../../lib/swarm/contract.ts'
import { createPeerBook } from '../../../../lib/swarm/peer-book.ts'
import { encodeFleetMessage, parseFleetMessage } from '../../../../lib/swarm/wire/fleet-message.ts'
import { createGossip } from '../../../../lib/swarm/wire/gossip.ts'
import { createPexFeed, parsePex } from '../../../../lib/swarm/wire/peer-exchange.ts'
import { fakeDate } from './fake-date.ts'
import { extensionsOf, type FakePeer, fakePeer, peersOf } from './fake-peers.ts'

function gossipOf(fakes: readonly FakePeer[], isPublic = true) {
  const heard: PeerAddress[] = []
  const book = createPeerBook()
  const gossip = createGossip({
    peers: peersOf(...fakes),
    isPublic: () => isPublic,
    mayDial: book.mayDial,
    introduce: (peers) => void heard.push(...peers)
  })
  return { gossip, heard, book }
}

function stranger(host: string, port?: number): FakePeer {
  const fake = fakePeer({ host })
  fake.says((out) => out.extended(0, extensionsOf(port === undefined ? {} : { port })))
  return fake
}

function node(id: string, peerClass: 'seeder' | 'gateway', wire: string): FakePeer {
  const fake = fakePeer({ host: '10.0.0.9', peerClass })
  fake.says((out) => out.extended(0, Buffer.from('d1:md8:sg_fleeti4eee')))
  fake.peer.node = id
  const { extensions } = fake.peer
  if (extensions !== undefined) {
    const claim = { id, role: peerClass, proof: Buffer.alloc(32), wire }
    fake.peer.extensions = { ...extensions, node: claim }
  }
  return fake
}

/** The addresses a peer was told by peer exchange. */
async function toldTo(fake: FakePeer) {
  const messages = (await fake.sent()).filter(({ body }) => body[0] === 2)
  return messages.flatMap(({ body }) => parsePex(body.subarray(1)).added.map(({ host }) => host))
}

const pexOf = (...hosts: readonly string[]) =>
  createPexFeed().next(
    0,
    hosts.map((host) => ({ host, port: 6881, seed: false }))
  ) ?? Buffer.alloc(0)

t.test('peers hear of each other where they listen, once', async (t) => {
  const [a, b, c] = [
    stranger('198.51.100.1', 1),
    stranger('2001:db8::2', 2),
    stranger('198.51.100.3')
  ]
  const { gossip } = gossipOf([a, b, c])
  gossip.tick(1000)
  gossip.tick(100_000)
  t.same(await toldTo(a), ['2001:db8::2'])
  t.same(await toldTo(b), ['198.51.100.1'])
  t.same((await toldTo(c)).sort(), ['198.51.100.1', '2001:db8::2'], 'who listens nowhere hears')
})

t.test('addresses of private networks are told to nobody', async (t) => {
  const inside = ['10.0.0.5', '127.0.0.1', '192.168.1.1', 'fd00::1']
  const outside = stranger('198.51.100.1', 1)
  const { gossip } = gossipOf([outside, ...inside.map((host) => stranger(host, 6881))])
  gossip.tick(1000)
  t.same(await toldTo(outside), [])
})

t.test('in a private torrent nobody is told of anybody, nor believed', async (t) => {
  const [a, b] = [stranger('198.51.100.1', 1), stranger('198.51.100.2', 2)]
  const { gossip, heard } = gossipOf([a, b], false)
  gossip.tick(1000)
  gossip.pex(a.peer, pexOf('198.51.100.9'))
  t.same([...(await toldTo(a)), ...(await toldTo(b)), ...heard], [])
})

t.test('what a peer says is heard once a minute, and leads into no private network', async (t) => {
  const clock = fakeDate(t)
  const a = stranger('198.51.100.1', 1)
  const { gossip, heard, book } = gossipOf([a])
  book.ban('198.51.100.66:1')
  gossip.pex(a.peer, pexOf('198.51.100.7', '10.0.0.1', '127.0.0.1', '198.51.100.66'))
  gossip.pex(a.peer, pexOf('198.51.100.8'))
  t.same(heard, [{ host: '198.51.100.7', port: 6881, class: 'stranger' }])
  clock.tick(60_000)
  gossip.pex(a.peer, pexOf('198.51.100.9'))
  t.equal(heard.at(-1)?.host, '198.51.100.9')
})

t.test(
  'nodes of the fleet hear at once where the other gateways are, private or not',
  async (t) => {
    const seeder = node('s', 'seeder', '10.0.0.1:1')
    const [a, b] = [node('a', 'gateway', '10.0.0.2:2'), node('b', 'gateway', '10.0.0.3:3')]
    const outsider = stranger('198.51.100.1', 1)
    const { gossip } = gossipOf([seeder, a, b, outsider], false)
    gossip.fleetChanged()
    const told = async (fake: FakePeer) =>
      (await fake.sent())
        .flatMap(({ body }) => (body[0] === 4 ? parseFleetMessage(body.subarray(1)) : []))
        .map(({ port }) => port)
    t.same(await told(a), [3])
    t.same(await told(b), [2])
    t.same(await told(seeder), [2, 3])
    t.same(await told(outsider), [])
  }
)

t.test('only a proven node may name gateways', async (t) => {
  const outsider = stranger('198.51.100.1', 1)
  const proven = node('s', 'seeder', '10.0.0.1:1')
  const { gossip, heard } = gossipOf([outsider, proven])
  const message = encodeFleetMessage([{ host: '10.0.0.7', port: 7 }])
  gossip.fleet(outsider.peer, message)
  t.same(heard, [])
  gossip.fleet(proven.peer, message)
  t.same(heard, [{ host: '10.0.0.7', port: 7, class: 'gateway' }])
})
