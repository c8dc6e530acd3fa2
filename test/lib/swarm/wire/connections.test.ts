/** Who gets one of the places, and whom it is taken from. */
import t from 'tap'
import { type ConnectionLimits, createConnections } from '../../../../lib/swarm/wire/connections.ts'
import type { Peer } from '../../../../lib/swarm/wire/peer.ts'
import { fakeDate } from './fake-date.ts'
import { type FakePeer, type FakePeerOptions, fakePeer } from './fake-peers.ts'

const LIMITS: ConnectionLimits = {
  maxPeers: 20,
  maxPeersPerTorrent: 8,
  maxPeersPerAddress: 4,
  maxGreeting: 6,
  maxHalfOpen: 3,
  hasFleet: true
}

function makeRoom(limits: Partial<ConnectionLimits> = {}) {
  const connections = createConnections({ ...LIMITS, ...limits })
  const torrents = new Map<string, Map<number, Peer>>()
  let hosts = 0

  /** A connection to `torrent`, of an address of its own unless said otherwise. */
  function come(torrent: string, options: FakePeerOptions = {}): FakePeer & { in: boolean } {
    const siblings = torrents.get(torrent) ?? new Map<number, Peer>()
    torrents.set(torrent, siblings)
    const fake = fakePeer({
      host: `198.51.${++hosts >> 8}.${hosts & 255}`,
      ...options,
      owner: {
        closed(peer) {
          siblings.delete(peer.serial)
          connections.closed(peer)
        }
      }
    })
    const isIn = connections.admit(fake.peer, siblings)
    if (isIn) siblings.set(fake.peer.serial, fake.peer)
    return Object.assign(fake, { in: isIn })
  }

  function crowd(torrent: string, count: number, options: FakePeerOptions = {}) {
    return Array.from({ length: count }, () => come(torrent, options))
  }

  return { connections, come, crowd, siblings: (torrent: string) => torrents.get(torrent) }
}

const welcome = (crowd: readonly { readonly in: boolean }[]) => crowd.filter((one) => one.in).length

t.test('a torrent keeps a part for the fleet, and strangers get the rest', async (t) => {
  fakeDate(t)
  const { come, crowd } = makeRoom({ hasFleet: false })
  t.equal(welcome(crowd('one', 20)), 6)
  t.equal(welcome(crowd('one', 5, { peerClass: 'seeder' })), 2)
  t.ok(come('another').in, 'another torrent has places of its own')
})

t.test('the thread keeps a part for the fleet over all torrents', async (t) => {
  fakeDate(t)
  const { crowd } = makeRoom({ hasFleet: false, maxPeersPerTorrent: 100 })
  t.equal(welcome([...crowd('a', 9), ...crowd('b', 9)]), 15)
  t.equal(welcome(crowd('c', 9, { peerClass: 'gateway' })), 5)
})

t.test('an idle stranger makes way for another stranger, a busy one does not', async (t) => {
  const clock = fakeDate(t)
  const { come, crowd } = makeRoom({ hasFleet: false })
  const first = crowd('one', 6)
  t.notOk(come('one').in, 'all have just come')
  clock.tick(11_000)
  for (const { peer } of first.slice(1)) peer.uploadedAt = Date.now()
  t.ok(come('one').in)
  t.same(first[0]?.closed, ['it was idle and another wants its place'])
  t.notOk(come('one').in, 'the others give and take')
})

t.test('strangers that fill a torrent do not keep a node out that proves itself', async (t) => {
  const clock = fakeDate(t)
  const { connections, come, crowd } = makeRoom()
  crowd('one', 6)
  const node = come('one')
  t.ok(node.in, 'it looks like a stranger and is on probation')
  node.peer.node = 'n'
  node.peer.peerClass = 'gateway'
  const stranger = come('one')
  t.ok(stranger.in)
  clock.tick(2100)
  connections.tick(Date.now())
  t.same(node.closed, [])
  t.same(stranger.closed, ['there is no room for strangers'])
})

t.test('strangers on probation do not keep a node out either', async (t) => {
  const clock = fakeDate(t)
  const { come, crowd } = makeRoom()
  crowd('one', 8)
  t.notOk(come('one').in, 'each has a fair chance')
  clock.tick(600)
  t.ok(come('one').in, 'and then the next')
  t.ok(come('one', { peerClass: 'seeder' }).in, 'or a node we dialled ourselves')
})

t.test('one address has its share of strangers, dialled or not, and IPv6 by network', async (t) => {
  fakeDate(t)
  const limits = { hasFleet: false, maxPeersPerTorrent: 100 }
  t.equal(welcome(makeRoom(limits).crowd('one', 9, { host: '192.0.2.1' })), 4)
  const dialled = { host: '192.0.2.1', dialled: '192.0.2.1:1' }
  t.equal(welcome(makeRoom(limits).crowd('one', 9, dialled)), 4)
  const { come } = makeRoom(limits)
  const hosts = Array.from({ length: 9 }, (_, at) => ({ host: `2001:db8::${at}:1` }))
  t.equal(welcome(hosts.map((options) => come('one', options))), 4)
  t.equal(welcome([come('one', { host: '192.0.2.1', peerClass: 'seeder' })]), 1)
})

t.test('a node behind the address of many strangers may prove itself', async (t) => {
  fakeDate(t)
  const { connections, come, crowd } = makeRoom({ maxPeersPerTorrent: 100, maxPeers: 100 })
  const host = '192.0.2.1'
  crowd('one', 4, { host })
  t.ok(connections.greet({ host, destroy() {} }))
  t.ok(come('one', { host }).in)
  t.equal(welcome(crowd('one', 20, { host })), 7, 'not too many of them at once')
})

t.test('handshakes are bounded, by address and together; the slowest makes way', async (t) => {
  const clock = fakeDate(t)
  const { connections } = makeRoom({ hasFleet: false })
  const closed: string[] = []
  const greet = (host: string) => {
    const guest = { host, destroy: () => void closed.push(host) }
    return connections.greet(guest) ? guest : undefined
  }
  const mine = Array.from({ length: 9 }, () => greet('192.0.2.1'))
  t.equal(mine.filter(Boolean).length, 4)
  t.ok(greet('192.0.2.2'))
  t.ok(greet('192.0.2.3'))
  t.notOk(greet('192.0.2.4'), 'six are being greeted')
  clock.tick(1100)
  t.ok(greet('192.0.2.4'))
  t.same(closed, ['192.0.2.1'])
  const [, second] = mine
  if (second !== undefined) connections.greeted(second)
  t.ok(greet('192.0.2.5'), 'one place is free again')
})

t.test('connections that are being made are bounded, to strangers', async (t) => {
  const { connections } = makeRoom()
  const siblings = new Map<number, Peer>()
  for (let nth = 0; nth < 3; nth++) {
    t.ok(connections.mayDial(false, siblings))
    connections.halfOpen(1)
  }
  t.notOk(connections.mayDial(false, siblings))
  t.ok(connections.mayDial(true, siblings), 'a node of the fleet is dialled all the same')
  connections.halfOpen(-1)
  t.ok(connections.mayDial(false, siblings))
})

t.test('who lets too much wait to be sent is closed, the furthest behind first', async (t) => {
  const { connections, crowd } = makeRoom({ maxPeersPerTorrent: 100, maxPeers: 100 })
  const peers = crowd('one', 40)
  for (const [at, fake] of peers.entries()) fake.unsent = at * 2 ** 17
  connections.tick(Date.now())
  t.ok(peers.every(({ closed }) => closed.length === 0))
  for (const [at, fake] of peers.entries()) fake.unsent = at * 2 ** 20
  connections.tick(Date.now())
  t.equal(peers.at(-1)?.closed.length, 1)
  t.equal(peers[0]?.closed.length, 0)
  const left = peers.filter(({ closed }) => closed.length === 0)
  t.ok(left.reduce((sum, { unsent }) => sum + unsent, 0) <= 128 * 2 ** 20)
})
