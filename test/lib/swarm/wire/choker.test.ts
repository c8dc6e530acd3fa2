/** Who may ask for blocks. */
import fc from 'fast-check'
import t from 'tap'
import type { PeerClass } from '../../../../lib/swarm/contract.ts'
import { type ChokePeer, reviewSlots, TURN_MS } from '../../../../lib/swarm/wire/choker.ts'

type Peer = { -readonly [K in keyof ChokePeer]: ChokePeer[K] } & { readonly name: number }

let named = 0

function peer(over: Partial<ChokePeer> = {}): Peer {
  named++
  const host = `192.0.2.${named}`
  const given = { host, peerClass: 'stranger' as const, interested: true, choked: true, since: 0 }
  return { ...given, ...over, name: named }
}

const many = (count: number, over: Partial<ChokePeer> = {}) =>
  Array.from({ length: count }, () => peer(over))

/** Does what the review says. */
function review(peers: readonly Peer[], slots: number, now: number): Peer[] {
  const { choke, unchoke } = reviewSlots(peers, slots, now)
  for (const [list, choked] of [
    [choke, true],
    [unchoke, false]
  ] as const) {
    for (const one of list) {
      one.choked = choked
      one.since = now
    }
  }
  return peers.filter(({ choked }) => !choked)
}

const count = (peers: readonly Peer[], wanted: PeerClass) =>
  peers.filter(({ peerClass }) => peerClass === wanted).length

t.test('while everybody fits nobody who wants something is choked', async (t) => {
  const peers = [...many(9), peer({ peerClass: 'gateway' })]
  t.equal(review(peers, 10, 0).length, 10)
})

t.test('the fleet comes first, and some slots stay for strangers', async (t) => {
  const peers = [...many(30), ...many(30, { peerClass: 'gateway' })]
  const open = review(peers, 16, 0)
  t.equal(count(open, 'gateway'), 14)
  t.equal(count(open, 'stranger'), 2)
})

t.test('a gateway that comes takes the slot of a stranger at once', async (t) => {
  const peers = many(16)
  review(peers, 8, 0)
  const gateway = peer({ peerClass: 'gateway', since: 1 })
  const open = review([...peers, gateway], 8, 1)
  t.ok(open.includes(gateway))
  t.equal(open.length, 8)
})

t.test('slots that the fleet does not want are for strangers', async (t) => {
  const peers = [...many(30), ...many(2, { peerClass: 'gateway' })]
  t.equal(count(review(peers, 16, 0), 'stranger'), 14)
})

t.test('an address has a few slots while others want them, and all if nobody does', async (t) => {
  const crowd = many(50, { host: '198.51.100.1' })
  t.equal(review(crowd, 8, 0).length, 8)
  const others = many(6, { since: 1 })
  const open = review([...crowd, ...others], 8, 1)
  t.equal(open.filter(({ host }) => host === '198.51.100.1').length, 4)
})

t.test('a slot is kept for a turn, then it passes to who waits longest', async (t) => {
  const peers = many(4)
  const first = review(peers, 2, 0)
  t.same(review(peers, 2, TURN_MS - 1), first)
  const second = review(peers, 2, TURN_MS)
  t.notOk(second.some((one) => first.includes(one)))
})

t.test('a node of the fleet gets a free slot unasked, a stranger keeps his', async (t) => {
  const idle = { interested: false }
  const kept = peer({ ...idle, choked: false })
  const peers = [peer(idle), kept, peer({ ...idle, peerClass: 'gateway' }), ...many(2)]
  const open = review(peers, 4, 0)
  t.same(new Set(open), new Set([kept, ...peers.slice(2)]))
  const full = review([...peers, ...many(2, { since: 1 })], 4, 1)
  t.ok(
    full.every(({ interested }) => interested),
    'who wants something goes before'
  )
})

const CLASSES = ['gateway', 'seeder', 'stranger'] as const
const anyPeer = fc.record({
  host: fc.constantFrom('192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2', '203.0.113.9'),
  peerClass: fc.constantFrom(...CLASSES),
  interested: fc.boolean(),
  choked: fc.boolean(),
  since: fc.nat(30_000)
})

t.test('never more than the slots, and no slot is left empty', async () => {
  fc.assert(
    fc.property(fc.array(anyPeer, { maxLength: 40 }), fc.nat(20), (list, slots) => {
      const peers = list.map((one) => peer(one))
      const open = review(peers, slots, 30_000)
      const wanting = peers.filter(({ interested }) => interested).length
      const served = open.filter(({ interested }) => interested).length
      return open.length <= slots && served === Math.min(slots, wanting)
    })
  )
})

t.test('whoever wants a slot gets it within the turns of those before', async () => {
  const crowd = fc.array(anyPeer, { minLength: 1, maxLength: 25 })
  fc.assert(
    fc.property(crowd, fc.integer({ min: 1, max: 10 }), (list, slots) => {
      const peers = list.map((one) => peer({ ...one, interested: true, choked: true }))
      const served = new Set<Peer>()
      for (let turn = 0; turn < peers.length + 2; turn++) {
        for (const one of review(peers, slots, 30_000 + turn * TURN_MS)) served.add(one)
      }
      return served.size === peers.length
    })
  )
})
