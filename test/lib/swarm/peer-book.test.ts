/** Whom to dial, when, and who they are. */
import t from 'tap'
import type { PeerAddress } from '../../../lib/swarm/contract.ts'
import { createPeerBook } from '../../../lib/swarm/peer-book.ts'

const nobody = () => false

function peer(host: string, peerClass: PeerAddress['class'] = 'stranger'): PeerAddress {
  return { host, port: 6881, class: peerClass }
}

t.test(
  'an address is dialled at once, then with growing pauses while pieces are wanted',
  async (t) => {
    const book = createPeerBook()
    book.add([peer('192.0.2.1')])
    const dialled = [0, 500, 1000, 2000, 3000, 6999, 7000].filter(
      (now) => book.due(now, true, nobody).length > 0
    )
    t.same(dialled, [0, 1000, 3000, 7000])
    t.equal(book.tried, 1)
  }
)

t.test('a torrent that wants nothing dials each address once', async (t) => {
  const book = createPeerBook()
  book.add([peer('192.0.2.1')])
  t.equal(book.due(0, false, nobody).length, 1)
  t.equal(book.due(60_000, false, nobody).length, 0)
})

t.test('fleet nodes come first, and keep their class', async (t) => {
  const book = createPeerBook()
  book.add([peer('192.0.2.1'), peer('2001:db8::1', 'seeder')])
  book.add([peer('2001:db8::1')])
  t.same(book.due(0, true, nobody), ['[2001:db8::1]:6881', '192.0.2.1:6881'])
  t.equal(book.classOf('[2001:db8::1]:6881'), 'seeder')
  t.equal(book.classOf('192.0.2.9:1'), 'stranger')
  t.equal(book.found, 2)
})

t.test('who is connected or banned is not dialled', async (t) => {
  const book = createPeerBook()
  book.add([peer('192.0.2.1'), peer('192.0.2.2')])
  book.ban('192.0.2.2:6881')
  t.same(
    book.due(0, true, (address) => address === '192.0.2.1:6881'),
    []
  )
  t.ok(book.isBanned('192.0.2.2:6881'))
})

t.test('at the limit the first stranger goes, never a fleet node', async (t) => {
  const book = createPeerBook()
  book.add([peer('192.0.2.1', 'gateway'), peer('192.0.2.2')])
  book.add(Array.from({ length: 999 }, (_, at) => ({ ...peer('198.51.100.1'), port: at + 1 })))
  const due = book.due(0, true, nobody)
  t.equal(due.length, 1000)
  t.ok(due.includes('192.0.2.1:6881'))
  t.notOk(due.includes('192.0.2.2:6881'))
})

t.test('gossip never leads into a private network', async (t) => {
  const book = createPeerBook()
  for (const address of [
    '10.0.0.1:80',
    '127.0.0.1:22',
    '169.254.1.1:80',
    '[::1]:80',
    '[fd00::1]:1'
  ]) {
    t.notOk(book.mayDial(address), address)
  }
  t.ok(book.mayDial('93.184.216.34:6881'))
})

t.test('a ban ends after a while, sooner for a node of the fleet', async (t) => {
  const book = createPeerBook()
  book.add([peer('192.0.2.1'), peer('192.0.2.2', 'seeder')])
  book.ban('192.0.2.1:6881', 0)
  book.ban('192.0.2.2:6881', 0)
  t.same(book.due(1000, true, nobody), [])
  t.same(book.due(60_000, true, nobody), ['192.0.2.2:6881'], 'the node is given another chance')
  t.ok(book.isBanned('192.0.2.1:6881', 60_000))
  t.same(book.due(3_600_000, false, nobody), ['192.0.2.1:6881'])
  t.notOk(book.isBanned('192.0.2.1:6881', 3_600_000))
})

t.test('a banned stranger does not come back from another port', async (t) => {
  const book = createPeerBook()
  book.ban('192.0.2.1:50000', 0)
  book.ban('[2001:db8:1:2:3::4]:50000', 0)
  t.ok(book.isBanned('192.0.2.1:50001', 0))
  t.ok(book.isBanned('[2001:db8:1:2:9::9]:6881', 0), 'nor from the same IPv6 network')
  t.notOk(book.isBanned('192.0.2.2:50000', 0))
  t.notOk(book.isBanned('[2001:db8:1:3::4]:50000', 0))
})

t.test('a liar behind a private address, maybe a relay, takes nobody with it', async (t) => {
  const book = createPeerBook()
  book.ban('172.17.0.1:50000', 0)
  t.ok(book.isBanned('172.17.0.1:50000', 0))
  t.notOk(book.isBanned('172.17.0.1:50001', 0))
})

t.test('a node of the fleet is not banned for a stranger on its host', async (t) => {
  const book = createPeerBook()
  book.add([peer('192.0.2.1', 'gateway')])
  book.ban('192.0.2.1:50000', 0)
  t.same(book.due(0, true, nobody), ['192.0.2.1:6881'])
})

t.test('only what is dialled counts as tried, and who was tried least comes first', async (t) => {
  const book = createPeerBook()
  book.add(Array.from({ length: 5 }, (_, at) => peer(`192.0.2.${at}`)))
  t.same(book.due(0, true, nobody, 2), ['192.0.2.0:6881', '192.0.2.1:6881'])
  t.equal(book.tried, 2)
  t.same(book.due(60_000, true, nobody, 2), ['192.0.2.2:6881', '192.0.2.3:6881'])
  t.same(book.due(60_000, true, nobody, 9), ['192.0.2.4:6881', '192.0.2.0:6881', '192.0.2.1:6881'])
})

t.test('an address where nobody of use listens says nothing about its host', async (t) => {
  const book = createPeerBook()
  book.add([peer('192.0.2.1')])
  book.avoid('192.0.2.1:6881', 0)
  t.same(book.due(1000, true, nobody), [])
  t.notOk(book.isBanned('192.0.2.1:6882', 1000))
})
