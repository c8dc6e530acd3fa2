import t from 'tap'
import type { AnnounceRequest } from '../../../tracker/announce/announce-request.ts'
import type { Verdict } from '../../../tracker/announce/approval.ts'
import { createPolicy } from '../../../tracker/announce/policy.ts'
import { SwarmStore } from '../../../tracker/announce/swarm-store.ts'
import { silentLog } from '../../fakes/silent-log.ts'
import { endpoint, linkOf, signalling } from './requests.ts'
import { hashOf } from './tracker-fixture.ts'

const CONFIG = { maxSwarms: 2, maxPeersPerSwarm: 100, maxPeers: 100, peerTtlS: 100 }

function policyWith(ask: () => Promise<Verdict> = async () => 'approved') {
  const store = new SwarmStore(CONFIG)
  const policy = createPolicy({ approval: { ask }, store, nowS: () => 0, log: silentLog })
  async function accepted(request: AnnounceRequest) {
    const outcome = await policy.announce(request)
    if (outcome.kind !== 'accepted') throw new Error(outcome.reason)
    return outcome
  }
  return { store, policy, accepted }
}

t.test('what is not approved is refused with the reason, and nothing is kept', async (t) => {
  const refusals = [
    [async () => 'refused' as const, 'not published here'],
    [async () => 'busy' as const, 'busy'],
    [async () => Promise.reject(new Error('down')), /cannot tell now/]
  ] as const
  for (const [ask, reason] of refusals) {
    const { store, policy } = policyWith(ask)
    for (const request of [endpoint('8.8.8.8'), signalling(linkOf('8.8.8.8'), 'a')]) {
      t.match(await policy.announce(request), { kind: 'refused', reason, retryMinutes: Number })
    }
    t.equal(store.size, 0)
  }
})

t.test('the own family comes first, over HTTP the other fills the rest', async (t) => {
  const { accepted } = policyWith()
  for (const n of [1, 2, 3]) await accepted(endpoint(`8.8.8.${n}`))
  for (const n of [1, 2, 3]) await accepted(endpoint(`2001:db8::${n}`))
  const v4 = await accepted(endpoint('8.8.8.1', { numwant: 3 }))
  t.same([v4.ipv4.length, v4.ipv6.length], [2 * 6, 1 * 18])
  const v6 = await accepted(endpoint('2001:db8::1', { numwant: 50 }))
  t.same([v6.ipv4.length, v6.ipv6.length], [3 * 6, 2 * 18])
  const udp = await accepted(endpoint('2001:db8::1', { protocol: 'udp' }))
  t.same([udp.ipv4.length, udp.ipv6.length], [0, 2 * 18])
})

t.test('private peers are for requesters in private ranges, of either family', async (t) => {
  const { accepted } = policyWith()
  for (const ip of ['127.0.0.1', '192.168.1.9', 'fd00::9', '8.8.8.8', '2001:db8::8']) {
    await accepted(endpoint(ip))
  }
  const world = await accepted(endpoint('9.9.9.9', { port: 1 }))
  t.equal(world.ipv4.toString('hex'), '080808081ae1')
  t.equal(world.ipv6.length, 18)
  for (const ip of ['127.0.0.1', '10.1.1.1', '::1', 'fe80::1']) {
    const home = await accepted(endpoint(ip, { port: 1, event: 'update' }))
    const others = home.ipv4.length / 6 + home.ipv6.length / 18
    t.ok(home.ipv4.includes(Buffer.from('7f0000011ae1', 'hex')), ip)
    t.ok(others >= 5, ip)
  }
})

t.test('a peer that stops is told nobody, and is nobody', async (t) => {
  const { store, accepted } = policyWith()
  await accepted(endpoint('8.8.8.1'))
  await accepted(endpoint('8.8.8.2'))
  const outcome = await accepted(endpoint('8.8.8.2', { event: 'stopped' }))
  t.equal(outcome.ipv4.length, 0)
  t.same(outcome.counts, { complete: 0, incomplete: 1, downloaded: 0 })
  t.same(store.totals.ipv4, 1)
})

t.test('stopping works for what is no longer approved', async (t) => {
  let verdict: Verdict = 'approved'
  const { store, policy } = policyWith(async () => verdict)
  await policy.announce(endpoint('8.8.8.1'))
  verdict = 'refused'
  await policy.announce(endpoint('8.8.8.1', { event: 'stopped' }))
  t.equal(store.totals.ipv4, 0)
})

t.test('a swarm too many is refused', async (t) => {
  const { accepted, policy } = policyWith()
  for (const n of [1, 2]) await accepted(endpoint('8.8.8.8', { infoHash: hashOf(n) }))
  const outcome = await policy.announce(endpoint('8.8.8.8', { infoHash: hashOf(3) }))
  t.match(outcome, { kind: 'refused', reason: /no room/ })
})

t.test('a WebSocket peer gets WebSocket peers, the others get none of them', async (t) => {
  const { accepted } = policyWith()
  await accepted(endpoint('8.8.8.8'))
  await accepted(signalling(linkOf('8.8.8.1'), 'a'))
  const outcome = await accepted(signalling(linkOf('8.8.8.2'), 'b'))
  t.same(
    outcome.links.map((peer) => peer.peerId),
    ['a']
  )
  t.equal(outcome.ipv4.length, 0)
  t.equal((await accepted(endpoint('8.8.4.4'))).ipv4.length, 6)
})

t.test('only a peer that announced may answer, and its answer changes nothing', async (t) => {
  const { store, policy } = policyWith()
  const link = linkOf('8.8.8.8')
  const answer = { toPeerId: 'b', offerId: 'o', sdp: 'sdp' }
  t.match(await policy.announce(signalling(link, 'a', { answer })), { kind: 'refused' })
  await policy.announce(signalling(link, 'a', { seed: true }))
  const outcome = await policy.announce(signalling(link, 'a', { answer }))
  t.match(outcome, { kind: 'accepted', links: [] })
  t.equal(store.swarm(hashOf(1))?.counts.complete, 1)
  const thief = signalling(linkOf('8.8.4.4'), 'a', { answer })
  t.match(await policy.announce(thief), { kind: 'refused', reason: 'announce before you answer' })
})

t.test('a peer id in use elsewhere is refused', async (t) => {
  const { policy } = policyWith()
  await policy.announce(signalling(linkOf('8.8.8.8'), 'a'))
  const thief = signalling(linkOf('8.8.4.4'), 'a')
  t.match(await policy.announce(thief), { kind: 'refused', reason: 'this peer_id is in use' })
})

t.test('a scrape answers in order, with zeros for what has no swarm', async (t) => {
  const { policy } = policyWith()
  await policy.announce(endpoint('8.8.8.8', { seed: true }))
  const infoHashes = [hashOf(9), hashOf(1)]
  t.same(policy.scrape({ kind: 'scrape', protocol: 'udp', infoHashes }), [
    { complete: 0, incomplete: 0, downloaded: 0 },
    { complete: 1, incomplete: 0, downloaded: 0 }
  ])
})
