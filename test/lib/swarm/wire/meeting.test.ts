/** Engines and peers that meet over real sockets: twice, with themselves, early, late, over IPv6. */
import { join } from 'node:path'
import t from 'tap'
import { encodeBencode } from '../../../../core/bencode.ts'
import { type InfoHash, infoHashOf } from '../../../../core/info-hash.ts'
import type { EngineConfig } from '../../../../lib/swarm/contract.ts'
import { NEEDS_IPV6 } from '../../../fakes/ipv6.ts'
import { testFolder } from '../../../fakes/test-folder.ts'
import { EXTENDED, FAST, ID, listenRaw, type RawPeer } from '../raw-peer.ts'
import { EVERYTHING, makeContent, makeFolder, NOTHING } from '../torrent-folder.ts'
import { dialFrom, isEvent, nodeOf, openRig } from './engine-rig.ts'
import { fakeDate } from './fake-date.ts'

type Test = Parameters<typeof testFolder>[0]

/** Two engines with the same torrent, one whole and one empty, both not joined yet. */
async function twoSides(t: Test, name: string, config: Partial<EngineConfig> = {}, pieces = 4) {
  const content = makeContent(name, pieces)
  const dir = testFolder(t)
  const full = await makeFolder(content, join(dir, 'full'), { full: true })
  const empty = await makeFolder(content, join(dir, 'empty'), { full: false })
  const giver = await openRig(t, config)
  const taker = await openRig(t, config)
  return { content, infoHash: content.infoHash, full, empty, giver, taker }
}

const quiet = { fleet: undefined }

for (const fleet of [false, true]) {
  t.test(`two that dial each other keep one connection (fleet: ${fleet})`, async (t) => {
    const content = makeContent(`crossing ${fleet}`, 64)
    const dir = testFolder(t)
    const full = await makeFolder(content, join(dir, 'full'), { full: true })
    const empty = await makeFolder(content, join(dir, 'empty'), { full: false })
    const a = await openRig(t, fleet ? { fleet: nodeOf('a', 'seeder') } : quiet)
    const b = await openRig(t, fleet ? { fleet: nodeOf('b', 'gateway') } : quiet)
    a.engine.handle({ type: 'join', torrent: full.torrent(NOTHING, [b.address('gateway')]) })
    b.engine.handle({ type: 'join', torrent: empty.torrent(EVERYTHING, [a.address('seeder')]) })
    const stats = await b.stats(content.infoHash, ({ peers }) => empty.bits.full && peers <= 1)
    t.ok(stats.peers <= 1)
    t.ok((await empty.read()).equals(content.bytes))
    const last = await a.stats(content.infoHash, ({ peers }) => peers <= 1)
    t.ok(last.peers <= 1)
  })
}

t.test('an engine that dials itself notices, and does not try again', async (t) => {
  const { infoHash, empty, taker } = await twoSides(t, 'mirror')
  const clock = fakeDate(t)
  taker.engine.handle({ type: 'join', torrent: empty.torrent(EVERYTHING, [taker.address()]) })
  clock.tick(1100)
  const { connected } = await taker.stats(infoHash, ({ tried }) => tried === 1)
  t.equal(connected, 0)
  clock.tick(60_000)
  const { peers } = await taker.stats(infoHash, ({ tried }) => tried === 1)
  t.equal(peers, 0)
})

t.test('peers meet over IPv6', { ...NEEDS_IPV6 }, async (t) => {
  const { content, infoHash, full, empty, giver, taker } = await twoSides(t, 'six', { host: '::1' })
  giver.engine.handle({ type: 'join', torrent: full.torrent(NOTHING) })
  const from = [giver.address('seeder')]
  taker.engine.handle({ type: 'join', torrent: empty.torrent(EVERYTHING, from) })
  const { downloaded } = await taker.stats(infoHash, () => empty.bits.full)
  t.ok((await empty.read()).equals(content.bytes))
  t.equal(downloaded.stranger, 0, 'and know each other by address')
})

t.test('connections made while the metainfo is fetched are used when it is there', async (t) => {
  const { infoHash, full, empty, giver, taker } = await twoSides(t, 'approach')
  giver.engine.handle({ type: 'join', torrent: full.torrent(NOTHING) })
  taker.engine.handle({ type: 'approach', infoHash, peers: [giver.address()] })
  await giver.stats(infoHash, ({ peers }) => peers === 1)
  taker.engine.handle({ type: 'join', torrent: empty.torrent(EVERYTHING) })
  const { connected } = await taker.stats(infoHash, () => empty.bits.full)
  t.equal(connected, 1, 'the one connection, though the join names no peer')
})

t.test('what was learned is told again to who asks again', async (t) => {
  const { content, infoHash, full, giver, taker } = await twoSides(t, 'asked twice')
  giver.engine.handle({ type: 'join', torrent: full.torrent(NOTHING) })
  const told = () => taker.events.filter(isEvent('metadata', infoHash)).length
  taker.engine.handle({ type: 'discover', infoHash, peers: [giver.address()] })
  const { info } = await taker.first(isEvent('metadata', infoHash))
  t.same(Buffer.from(info), Buffer.from(content.metainfo.info))
  t.equal(told(), 1)
  taker.engine.handle({ type: 'discover', infoHash, peers: [] })
  t.equal(told(), 2)
})

t.test('a torrent that was learned and is not joined is given up', async (t) => {
  const { infoHash, full, giver, taker } = await twoSides(t, 'never joined')
  giver.engine.handle({ type: 'join', torrent: full.torrent(NOTHING) })
  const clock = fakeDate(t)
  taker.engine.handle({ type: 'discover', infoHash, peers: [giver.address()] })
  await taker.first(isEvent('metadata', infoHash))
  clock.tick(2000)
  await giver.stats(infoHash, ({ peers }) => peers === 1)
  clock.tick(11_000)
  await giver.stats(infoHash, ({ peers }) => peers === 0)
  t.pass('its connections are closed')
})

t.test('leave, join, leave and join again: each takes effect in its turn', async (t) => {
  const { infoHash, full, empty, giver, taker } = await twoSides(t, 'in turn')
  giver.engine.handle({ type: 'join', torrent: full.torrent(NOTHING) })
  const torrent = empty.torrent(EVERYTHING, [giver.address()])
  for (let round = 0; round < 20; round++) {
    taker.engine.handle({ type: 'join', torrent })
    taker.engine.handle({ type: 'leave', infoHash })
    taker.engine.handle({ type: 'discover', infoHash, peers: [giver.address()] })
    taker.engine.handle({ type: 'evict', infoHash, first: 0, end: 4 })
    taker.engine.handle({ type: 'leave', infoHash })
  }
  taker.engine.handle({ type: 'join', torrent })
  await taker.stats(infoHash, () => empty.bits.full)
  t.equal(taker.events.filter(isEvent('left', infoHash)).length, 40)
  t.equal(taker.events.filter(isEvent('evicted', infoHash)).length, 20)
  t.same(taker.events.filter(isEvent('trouble', infoHash)), [])
})

/** A peer that gives an info dictionary, right or wrong, to whoever dials it. */
async function informer(t: Test, infoHash: InfoHash, info: Buffer) {
  const answered = new WeakMap<RawPeer, number>()
  const server = await listenRaw(infoHash, (peer) => {
    peer.greet()
    peer.extendedHandshake({ ut_metadata: 9 }, { metadata_size: info.length })
    peer.send(FAST.haveNone)
    peer.socket.on('data', () => {
      const asked = peer.received.filter(({ id, body }) => id === EXTENDED && body[0] === 9)
      for (const { body } of asked.slice(answered.get(peer) ?? 0)) {
        const piece = Number(/piecei(\d+)e/.exec(body.toString('latin1'))?.[1] ?? 0)
        const header = encodeBencode({ msg_type: 1, piece, total_size: info.length })
        const ours = 1
        peer.extended(ours, header, info.subarray(piece * 16_384, (piece + 1) * 16_384))
      }
      answered.set(peer, asked.length)
    })
  })
  t.teardown(() => server.close())
  return { host: '127.0.0.1', port: server.port, class: 'stranger' } as const
}

t.test('of several that give metainfo the liars are found and the truth is learned', async (t) => {
  const right = Buffer.alloc(60_000, 'any bytes: what they say is checked elsewhere')
  const infoHash = infoHashOf(right)
  const wrong = Buffer.from(right)
  wrong[20_000] = (wrong[20_000] ?? 0) ^ 1
  const taker = await openRig(t)
  const peers = [
    await informer(t, infoHash, wrong),
    await informer(t, infoHash, wrong),
    await informer(t, infoHash, right),
    await informer(t, infoHash, Buffer.concat([right, right]))
  ]
  taker.engine.handle({ type: 'discover', infoHash, peers })
  const { info } = await taker.first(isEvent('metadata', infoHash))
  t.ok(right.equals(Buffer.from(info)))
})

t.test('metainfo is given as often as one can need it, then the peer is closed', async (t) => {
  const { infoHash, full, giver } = await twoSides(t, 'asked and asked')
  giver.engine.handle({ type: 'join', torrent: full.torrent(NOTHING) })
  const peer = await dialFrom(giver.port, infoHash)
  peer.greet()
  peer.extendedHandshake({ ut_metadata: 5 })
  const ask = encodeBencode({ msg_type: 0, piece: 0 })
  const pump = () => {
    if (!peer.socket.destroyed) peer.extended(1, ask)
  }
  peer.socket.on('data', pump)
  pump()
  await peer.closed
  const given = peer.received.filter(({ id, body }) => id === EXTENDED && body[0] === 5)
  t.ok(given.length > 0 && given.length < 50, `${given.length} answers`)
})

t.test('two that have everything have nothing for each other (BEP 21)', async (t) => {
  const { infoHash, full, giver } = await twoSides(t, 'seeds')
  giver.engine.handle({ type: 'join', torrent: full.torrent(NOTHING) })
  const [seed, done, partial] = [
    await dialFrom(giver.port, infoHash),
    await dialFrom(giver.port, infoHash),
    await dialFrom(giver.port, infoHash)
  ]
  seed.greet()
  seed.send(FAST.haveAll)
  await seed.closed
  done.greet()
  done.send(ID.bitfield, Buffer.from([0x80]))
  await done.message(({ id }) => id === ID.unchoke)
  done.extendedHandshake({}, { upload_only: 1 })
  await done.closed
  partial.greet()
  partial.send(ID.bitfield, Buffer.from([0x80]))
  partial.send(ID.interested)
  partial.extendedHandshake({}, { upload_only: 1 })
  partial.request(1, 0, 16_384)
  await partial.message(({ id }) => id === ID.piece)
  t.pass('who is interested all the same is served')
  await partial.end()
})
