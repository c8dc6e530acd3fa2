/** Many connections over real sockets: who gets in, who does not, and what is left of them. */
import { join } from 'node:path'
import t from 'tap'
import type { FleetIdentity } from '../../../../lib/swarm/contract.ts'
import { testFolder } from '../../../fakes/test-folder.ts'
import { ID, type RawPeer } from '../raw-peer.ts'
import { EVERYTHING, makeContent, makeFolder, NOTHING } from '../torrent-folder.ts'
import { dialFrom, isEvent, nodeOf, openRig, type Rig } from './engine-rig.ts'
import { fakeDate } from './fake-date.ts'

type Test = Parameters<typeof testFolder>[0]

/** A rig that has a torrent whole. */
async function giver(t: Test, name: string, config: Parameters<typeof openRig>[1] = {}) {
  const content = makeContent(name, 4)
  const dir = testFolder(t)
  const folder = await makeFolder(content, join(dir, 'full'), { full: true })
  const rig = await openRig(t, config)
  rig.engine.handle({ type: 'join', torrent: folder.torrent(NOTHING) })
  return { content, infoHash: content.infoHash, rig, dir }
}

/** Another engine fetches all of it from `giver`. */
async function fetchAll(t: Test, { content, rig, dir }: Giver, fleet?: FleetIdentity) {
  const folder = await makeFolder(content, join(dir, 'empty'), { full: false })
  const taker = await openRig(t, { fleet })
  taker.engine.handle({ type: 'join', torrent: folder.torrent(EVERYTHING, [rig.address()]) })
  await taker.stats(content.infoHash, () => folder.bits.full)
  return (await folder.read()).equals(content.bytes)
}

type Giver = Awaited<ReturnType<typeof giver>>

/** Idle strangers, each from an address of its own, that have said hello; open or closed again. */
async function strangers(rig: Rig, count: number, infoHash: Parameters<typeof dialFrom>[1]) {
  const peers: RawPeer[] = []
  for (let nth = 0; nth < count; nth++) {
    const from = `127.1.${nth >> 8}.${nth & 255}`
    const peer = await dialFrom(rig.port, infoHash, { from })
    peer.greet()
    peers.push(peer)
  }
  return peers
}

t.test('500 idle strangers do not keep a node of the fleet out', async (t) => {
  const from = await giver(t, 'crowded', { fleet: nodeOf('s', 'seeder') })
  const { infoHash, rig } = from
  const crowd = await strangers(rig, 500, infoHash)
  await rig.stats(infoHash, ({ peers }) => peers >= 60)
  t.ok(await fetchAll(t, from, nodeOf('g', 'gateway')))
  for (const peer of crowd) await peer.end()
  await rig.stats(infoHash, ({ peers }) => peers <= 1)
})

t.test('an address that opens more than its share is refused, others are not', async (t) => {
  const { infoHash, rig } = await giver(t, 'share', { maxPeersPerAddress: 5 })
  const greedy: RawPeer[] = []
  for (let nth = 0; nth < 20; nth++) {
    const peer = await dialFrom(rig.port, infoHash, { from: '127.0.0.2' })
    peer.greet()
    greedy.push(peer)
  }
  const other = await dialFrom(rig.port, infoHash, { from: '127.0.0.3' })
  other.greet()
  await other.message(({ id }) => id === ID.unchoke)
  await Promise.all(greedy.slice(5).map(({ closed }) => closed))
  await rig.stats(infoHash, ({ peers }) => peers === 6)
  for (const peer of [...greedy, other]) await peer.end()
})

t.test('who never finishes a handshake is closed, whatever it dribbles', async (t) => {
  const { infoHash, rig } = await giver(t, 'dribble')
  const silent = await dialFrom(rig.port, infoHash)
  const dribbling = await dialFrom(rig.port, infoHash)
  dribbling.socket.write(Buffer.from('\x13BitTorrent pro', 'latin1'))
  const foreign = await dialFrom(rig.port, infoHash)
  foreign.socket.write('GET / HTTP/1.1\r\n')
  await foreign.closed
  await Promise.all([silent.closed, dribbling.closed])
  t.pass('the one that speaks HTTP at once, the others at the deadline')
})

t.test('knocking for torrents that sleep is limited like every handshake', async (t) => {
  const rig = await openRig(t, { maxPeersPerAddress: 4 })
  const sleeping = Array.from({ length: 12 }, (_, at) => makeContent(`asleep ${at}`, 1).infoHash)
  const peers = await Promise.all(sleeping.map((infoHash) => dialFrom(rig.port, infoHash)))
  for (const peer of peers) peer.greet()
  await Promise.all(peers.map(({ closed }) => closed))
  const knocks = rig.events.filter(({ type }) => type === 'knock')
  t.ok(knocks.length <= 4, `${knocks.length} knocks`)
})

t.test('who is sent away while its torrent is being woken is not kept', async (t) => {
  const content = makeContent('sent away', 2)
  const { infoHash } = content
  const folder = await makeFolder(content, join(testFolder(t), 'full'), { full: true })
  const rig = await openRig(t, { maxPeersPerAddress: 1 })
  const clock = fakeDate(t)
  const first = await dialFrom(rig.port, infoHash)
  first.greet()
  await rig.first(isEvent('knock', infoHash))
  clock.tick(1100)
  const second = await dialFrom(rig.port, infoHash)
  await first.closed
  second.greet()
  rig.engine.handle({ type: 'join', torrent: folder.torrent(NOTHING) })
  await second.message(({ id }) => id === ID.unchoke)
  t.pass('the place of an address is with the one that is there')
  await second.end()
})

t.test('of 1000 connections that come and go nothing is left', async (t) => {
  const from = await giver(t, 'comings')
  const { infoHash, rig } = from
  const before = process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
  for (let round = 0; round < 20; round++) {
    const peers = await strangers(rig, 50, infoHash)
    await Promise.all(
      peers.map(async (peer, nth) => {
        if (nth % 3 === 0) peer.extendedHandshake({ ut_metadata: 3, ut_pex: 1 }, { p: 1 + nth })
        if (nth % 5 === 0) await peer.message(({ id }) => id === ID.unchoke)
        await peer.end()
      })
    )
  }
  await rig.stats(infoHash, ({ peers, connected }) => connected >= 500 && peers === 0)
  const after = process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
  t.equal(after, before)
  t.ok(await fetchAll(t, from), 'and the next one is served')
})
