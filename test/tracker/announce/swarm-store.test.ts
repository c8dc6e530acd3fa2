import t from 'tap'
import { SwarmStore } from '../../../tracker/announce/swarm-store.ts'
import { endpoint, linkOf, signalling } from './requests.ts'
import { hashOf } from './tracker-fixture.ts'

const CONFIG = { maxSwarms: 3, maxPeersPerSwarm: 3, maxPeers: 5, peerTtlS: 100 }
const [ONE, TWO, THREE, FOUR] = [hashOf(1), hashOf(2), hashOf(3), hashOf(4)]

t.test('seeds and leechers of all families are counted together', async (t) => {
  const store = new SwarmStore(CONFIG)
  t.equal(store.enter(endpoint('8.8.8.8', { seed: true }), 0), 'listed')
  t.equal(store.enter(endpoint('2001:db8::1'), 0), 'listed')
  t.equal(store.enter(signalling(linkOf('8.8.4.4'), 'a', { seed: true }), 0), 'listed')
  t.same(store.swarm(ONE)?.counts, { complete: 2, incomplete: 1, downloaded: 0 })
  t.same(store.totals, { ipv4: 1, ipv6: 1, webrtc: 1 })
})

t.test('a download is a leecher we knew that became a seed, counted once', async (t) => {
  const store = new SwarmStore(CONFIG)
  const completed = { event: 'completed', seed: true } as const
  store.enter(endpoint('8.8.8.1', completed), 0)
  t.equal(store.swarm(ONE)?.counts.downloaded, 0, 'complete at its start')
  store.enter(endpoint('8.8.8.2'), 0)
  store.enter(endpoint('8.8.8.2', completed), 0)
  store.enter(endpoint('8.8.8.2', completed), 0)
  t.same(store.swarm(ONE)?.counts, { complete: 2, incomplete: 0, downloaded: 1 })
})

t.test('a peer that stops leaves, and makes no swarm by it', async (t) => {
  const store = new SwarmStore(CONFIG)
  const link = linkOf('8.8.8.8')
  store.enter(endpoint('8.8.8.8'), 0)
  store.enter(signalling(link, 'a'), 0)
  store.leave(endpoint('8.8.8.8', { event: 'stopped' }))
  store.leave(signalling(link, 'a', { event: 'stopped' }))
  t.same(store.totals, { ipv4: 0, ipv6: 0, webrtc: 0 })
  t.equal(link.swarms.size, 0)
  store.leave(endpoint('8.8.8.8', { infoHash: TWO }))
  t.equal(store.swarm(TWO), undefined)
})

t.test('nobody can stop a peer from another address or port', async (t) => {
  const store = new SwarmStore(CONFIG)
  store.enter(endpoint('8.8.8.8'), 0)
  store.leave(endpoint('8.8.4.4'))
  store.leave(endpoint('8.8.8.8', { port: 6882 }))
  t.equal(store.totals.ipv4, 1)
})

t.test('a swarm too many is refused, those that exist go on', async (t) => {
  const store = new SwarmStore(CONFIG)
  for (const infoHash of [ONE, TWO, THREE]) store.enter(endpoint('8.8.8.8', { infoHash }), 0)
  t.equal(store.enter(endpoint('8.8.8.8', { infoHash: FOUR }), 0), 'too-many-swarms')
  t.equal(store.enter(endpoint('8.8.4.4', { infoHash: ONE }), 0), 'listed')
  t.equal(store.size, 3)
})

t.test('a full swarm lists nobody new, and still renews those it lists', async (t) => {
  const store = new SwarmStore(CONFIG)
  for (const n of [1, 2, 3]) store.enter(endpoint(`8.8.8.${n}`), 0)
  t.equal(store.enter(endpoint('8.8.8.4'), 0), 'unlisted')
  t.equal(store.enter(signalling(linkOf('8.8.8.5'), 'a'), 0), 'unlisted')
  t.equal(store.enter(endpoint('8.8.8.3', { seed: true }), 0), 'listed')
  t.same(store.swarm(ONE)?.counts, { complete: 1, incomplete: 2, downloaded: 0 })
})

t.test('the bound over all swarms holds too', async (t) => {
  const store = new SwarmStore(CONFIG)
  for (const n of [1, 2, 3]) store.enter(endpoint(`8.8.8.${n}`), 0)
  for (const n of [1, 2, 3]) store.enter(endpoint(`8.8.8.${n}`, { infoHash: TWO }), 0)
  t.equal(store.swarm(TWO)?.size, 2)
  t.equal(store.totals.ipv4, 5)
})

t.test('a closed link leaves all its swarms, and only with what it listed', async (t) => {
  const store = new SwarmStore(CONFIG)
  const link = linkOf('8.8.8.8')
  const newer = linkOf('8.8.8.8')
  store.enter(signalling(link, 'a'), 0)
  store.enter(signalling(link, 'a', { infoHash: TWO }), 0)
  store.enter(signalling(newer, 'a', { infoHash: TWO }), 0)
  store.drop(link)
  t.equal(store.swarm(ONE)?.size, 0)
  t.equal(store.swarm(TWO)?.links.get('a')?.link, newer)
  t.equal(store.totals.webrtc, 1)
  store.drop(linkOf('8.8.8.8'))
})

t.test('a sweep forgets the silent, and swarms with nobody in them', async (t) => {
  const store = new SwarmStore(CONFIG)
  const link = linkOf('8.8.8.8')
  store.enter(signalling(link, 'a', { infoHash: TWO }), 0)
  store.enter(endpoint('8.8.8.8'), 0)
  store.enter(endpoint('8.8.4.4'), 50)
  store.sweep(101, 1)
  t.equal(store.swarm(ONE)?.size, 1)
  t.equal(store.swarm(TWO), undefined)
  t.equal(link.swarms.size, 0)
  t.same(store.totals, { ipv4: 1, ipv6: 0, webrtc: 0 })
  t.equal(store.size, 1)
})

t.test('nobody is forgotten before the time to live has passed since the start', async (t) => {
  const store = new SwarmStore(CONFIG)
  store.enter(endpoint('8.8.8.8'), 0)
  store.sweep(99, 1)
  t.equal(store.totals.ipv4, 1)
})

t.test('sweeps of a share go round all swarms', async (t) => {
  const store = new SwarmStore({ ...CONFIG, maxSwarms: 30, maxPeers: 30 })
  for (let n = 0; n < 30; n += 1) store.enter(endpoint('8.8.8.8', { infoHash: hashOf(n) }), 0)
  store.sweep(200, 0.1)
  t.equal(store.size, 27)
  for (let round = 0; round < 60; round += 1) store.sweep(200, 0.1)
  t.equal(store.size, 0)
  store.enter(endpoint('8.8.8.8'), 200)
  for (let round = 0; round < 3; round += 1) store.sweep(400, 0.1)
  t.equal(store.size, 0, 'also those that came later')
})

t.test('a forgotten swarm leaves no trace', async (t) => {
  const store = new SwarmStore(CONFIG)
  const link = linkOf('8.8.8.8')
  store.enter(signalling(link, 'a'), 0)
  store.enter(endpoint('2001:db8::1'), 0)
  store.forget(ONE)
  store.forget(TWO)
  t.equal(store.size, 0)
  t.same(store.totals, { ipv4: 0, ipv6: 0, webrtc: 0 })
  t.equal(link.swarms.size, 0)
})
