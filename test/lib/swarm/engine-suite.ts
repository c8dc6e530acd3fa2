/**
 * What every engine behind the swarm contract must do, over real TCP between real worker threads.
 *
 * A test file runs it with one line: `engineSuite('webtorrent')`.
 */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { PeerAddress, PeerClass } from '../../../lib/swarm/contract.ts'
import { createSwarm, type Swarm, type SwarmConfig } from '../../../lib/swarm/swarm.ts'
import { silentLog } from '../../fakes/silent-log.ts'
import { testFolder } from '../../fakes/test-folder.ts'
import { rawSeeder } from './raw-seeder.ts'
import { failure, knock, listen, type SwarmNews, verified } from './swarm-events.ts'
import {
  type Content,
  EVERYTHING,
  makeContent,
  makeFolder,
  NOTHING,
  pieceOf
} from './torrent-folder.ts'

type Tap = Pick<typeof t, 'testdir' | 'teardown'>

export function addressOf(swarm: Swarm, peerClass: PeerClass): PeerAddress {
  return { host: '127.0.0.1', port: swarm.ports[0] ?? 0, class: peerClass }
}

export async function openSwarm(tap: Tap, engine: SwarmConfig['engine']): Promise<Swarm> {
  const config = { engine, wireHost: '127.0.0.1', wirePort: 0, workers: 1 }
  const swarm = await createSwarm(config, { log: silentLog })
  tap.teardown(() => swarm.close())
  return swarm
}

/** Runs the suite against an engine. */
export async function engineSuite(engine: SwarmConfig['engine']): Promise<void> {
  const giver = await openSwarm(t, engine)
  const taker = await openSwarm(t, engine)
  const seeder = addressOf(giver, 'seeder')
  const gateway = addressOf(taker, 'gateway')
  let names = 0

  /** The giver has all of it, the taker nothing. */
  async function twoSides(test: Tap, pieceCount: number) {
    const content = makeContent(`content ${names++}`, pieceCount)
    const dir = testFolder(test)
    const full = await makeFolder(content, join(dir, 'full'), { full: true })
    const empty = await makeFolder(content, join(dir, 'empty'), { full: false })
    const events = listen(taker, content.infoHash)
    return { content, full, empty, events, infoHash: content.infoHash }
  }

  t.test('a torrent that is wanted whole arrives byte for byte', async (t) => {
    const { content, full, empty, events } = await twoSides(t, 20)
    giver.join(full.torrent(NOTHING))
    taker.join(empty.torrent(EVERYTHING, [seeder]))
    await verified(events, range(0, 20))
    t.ok((await empty.read()).equals(content.bytes), 'the file is the same')
    t.ok(
      range(0, 20).every((index) => empty.bits.isProven(index)),
      'every piece is proven'
    )
    t.ok(
      events.seen.every((news) => news.type !== 'verified' || news.from === 'seeder'),
      'the class of the dialled peer is told'
    )
  })

  t.test('only the wanted pieces are fetched', async (t) => {
    const { full, empty, events, infoHash } = await twoSides(t, 30)
    giver.join(full.torrent(NOTHING))
    taker.join(empty.torrent({ all: false, windows: [{ first: 3, end: 5 }] }, [seeder]))
    await verified(events, [3, 4])
    taker.want(infoHash, {
      all: false,
      windows: [
        { first: 20, end: 21 },
        { first: 7, end: 8 }
      ]
    })
    await verified(events, [20, 7])
    taker.want(infoHash, { all: false, windows: [{ first: 29, end: 40 }] })
    await verified(events, [29])
    t.same(
      range(0, 30).filter((index) => empty.bits.has(index)),
      [3, 4, 7, 20, 29]
    )
  })

  t.test('with nothing wanted nothing is fetched, though peers are connected', async (t) => {
    const { full, empty, events, infoHash } = await twoSides(t, 8)
    giver.join(full.torrent(NOTHING))
    taker.join(empty.torrent(NOTHING, [seeder]))
    const { stats } = await events.first(connected)
    t.equal(stats.found, 1)
    t.equal(stats.tried, 1)
    t.equal(stats.connected, 1)
    taker.want(infoHash, { all: false, windows: [{ first: 2, end: 3 }] })
    await verified(events, [2])
    t.equal(empty.bits.count(), 1)
  })

  t.test('a wanted window that shrinks and grows again is fetched once', async (t) => {
    const { content, full, empty, events, infoHash } = await twoSides(t, 12)
    giver.join(full.torrent(NOTHING))
    taker.join(empty.torrent({ all: false, windows: [{ first: 0, end: 12 }] }, [seeder]))
    taker.want(infoHash, NOTHING)
    taker.want(infoHash, { all: false, windows: [{ first: 0, end: 12 }] })
    await verified(events, range(0, 12))
    t.equal(events.seen.filter(({ type }) => type === 'verified').length, 12)
    t.ok((await empty.read()).equals(content.bytes))
  })

  t.test('a peer wakes a torrent that is not joined, by knocking', async (t) => {
    const { full, empty, events, infoHash } = await twoSides(t, 4)
    const door = listen(giver, infoHash)
    taker.join(empty.torrent(EVERYTHING, [seeder]))
    await door.first(knock)
    giver.join(full.torrent(NOTHING))
    await verified(events, range(0, 4))
    t.equal(door.seen.filter(({ type }) => type === 'knock').length, 1, 'it knocked once')
  })

  t.test('a torrent that is left uses no file and can be joined again', async (t) => {
    const { content, full, empty, events, infoHash } = await twoSides(t, 6)
    giver.join(full.torrent(NOTHING))
    taker.join(empty.torrent({ all: false, windows: [{ first: 0, end: 2 }] }, [seeder]))
    await verified(events, [0, 1])
    await taker.leave(infoHash)
    t.equal(taker.stats(infoHash), undefined)
    taker.join(empty.torrent(EVERYTHING, [seeder]))
    await verified(events, range(0, 6))
    t.ok((await empty.read()).equals(content.bytes))
    t.equal(events.seen.filter(({ type }) => type === 'verified').length, 6, 'nothing came twice')
  })

  t.test('leaving what was never joined is answered', async () => {
    await taker.leave(makeContent('nobody', 1).infoHash)
    await taker.evict(makeContent('nobody', 1).infoHash, 0, 1)
  })

  t.test('evicted pieces are not offered and not served', async (t) => {
    const { full, empty, events, infoHash } = await twoSides(t, 10)
    giver.join(full.torrent(NOTHING))
    taker.join(empty.torrent({ all: false, windows: [{ first: 0, end: 1 }] }, [seeder]))
    await verified(events, [0])
    await giver.evict(infoHash, 2, 4)
    for (const index of [2, 3]) full.bits.clear(index)
    taker.want(infoHash, EVERYTHING)
    await verified(events, [0, 1, ...range(4, 10)])
    t.notOk(empty.bits.has(2) || empty.bits.has(3))
  })

  t.test('a piece that the store lost is fetched again when it is wanted', async (t) => {
    const { full, empty, events, infoHash } = await twoSides(t, 5)
    giver.join(full.torrent(NOTHING))
    taker.join(empty.torrent(EVERYTHING, [seeder]))
    await verified(events, range(0, 5))
    empty.bits.clear(3)
    taker.want(infoHash, { all: false, windows: [{ first: 3, end: 4 }] })
    await events.until(
      () => events.seen.filter((news) => news.type === 'verified' && news.index === 3).length === 2
    )
    t.ok(empty.bits.isProven(3))
  })

  t.test('the info dictionary is learned from peers and is what was hashed', async (t) => {
    const { content, full, infoHash } = await twoSides(t, 3)
    giver.join(full.torrent(NOTHING))
    const info = await taker.discover(infoHash, [seeder], AbortSignal.timeout(600_000))
    t.ok(Buffer.from(info).equals(content.metainfo.info))
  })

  t.test('peers that are heard of during a discovery are asked as well', async (t) => {
    const { content, full, infoHash } = await twoSides(t, 3)
    giver.join(full.torrent(NOTHING))
    const learned = taker.discover(infoHash, [], AbortSignal.timeout(600_000))
    taker.introduce(infoHash, [seeder])
    t.ok(Buffer.from(await learned).equals(content.metainfo.info))
  })

  t.test('a discovery that nobody answers ends with its signal', async (t) => {
    const stop = new AbortController()
    const pending = taker.discover(makeContent('unheard of', 1).infoHash, [], stop.signal)
    stop.abort(new Error('enough'))
    await t.rejects(pending, { message: 'enough' })
  })

  t.test('wrong bytes on the disk are never served', async (t) => {
    const { content, full, empty, events, infoHash } = await twoSides(t, 8)
    const doors = listen(giver, infoHash)
    const spoiled = Buffer.from(content.bytes)
    pieceOf(content, 5, spoiled).fill(0)
    await writeFile(full.file, spoiled)
    giver.join(full.torrent(NOTHING))
    taker.join(empty.torrent(EVERYTHING, [seeder]))
    const { index } = await doors.first(failure('disk'))
    t.equal(index, 5)
    await verified(events, [0, 1, 2, 3, 4, 6, 7])
    t.notOk(full.bits.has(5), 'the claim is withdrawn')
    t.notOk(empty.bits.has(5), 'nobody got it')
    t.notOk(events.seen.some(failure('wire')), 'nothing wrong was sent')
  })

  t.test('a disk that takes nothing loses no torrent, and is asked again', async (t) => {
    const { content, full, empty, events, infoHash } = await twoSides(t, 4)
    giver.join(full.torrent(NOTHING))
    await rm(empty.file)
    taker.join(empty.torrent(EVERYTHING, [seeder]))
    await events.first(receivedAll(content))
    t.equal(empty.bits.count(), 0)
    await writeFile(empty.file, Buffer.alloc(content.bytes.length))
    taker.want(infoHash, { all: false, windows: [{ first: 0, end: 4 }] })
    await verified(events, range(0, 4))
    t.ok((await empty.read()).equals(content.bytes))
  })

  t.test('a piece with a wrong hash is fetched from another peer', async (t) => {
    const { content, full, empty, events } = await twoSides(t, 6)
    const liar = await rawSeeder(content, (_, bytes) => Buffer.alloc(bytes.length))
    t.teardown(() => liar.close())
    const peers: PeerAddress[] = [{ host: '127.0.0.1', port: liar.port, class: 'stranger' }]
    taker.join(empty.torrent(EVERYTHING, peers))
    await events.first(failure('wire'))
    giver.join(full.torrent(NOTHING))
    taker.introduce(content.infoHash, [seeder])
    await verified(events, range(0, 6))
    t.ok((await empty.read()).equals(content.bytes))
  })

  t.test('a silent peer loses its requests to one that answers', async (t) => {
    const { content, full, empty, events } = await twoSides(t, 6)
    let ask = () => {}
    const asked = new Promise<void>((resolve) => {
      ask = resolve
    })
    const mute = await rawSeeder(content, () => void ask())
    t.teardown(() => mute.close())
    const peers: PeerAddress[] = [{ host: '127.0.0.1', port: mute.port, class: 'stranger' }]
    taker.join(empty.torrent(EVERYTHING, peers))
    await asked
    giver.join(full.torrent(NOTHING))
    taker.introduce(content.infoHash, [seeder])
    await verified(events, range(0, 6))
    t.ok((await empty.read()).equals(content.bytes))
  })

  t.test('two that dial each other know each other by class', async (t) => {
    const { full, empty, events, infoHash } = await twoSides(t, 8)
    giver.join(full.torrent(NOTHING, [gateway]))
    taker.join(empty.torrent(EVERYTHING, [seeder]))
    await verified(events, range(0, 8))
    const counted = listen(giver, infoHash)
    const { stats } = await counted.first(uploadedAll(full.content))
    t.equal(stats.uploaded.stranger, 0)
    // A block may be asked of both connections that the two hold for a moment.
    t.ok(stats.uploaded.gateway >= full.content.bytes.length)
  })
}

function range(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, at) => first + at)
}

function connected(news: SwarmNews): news is SwarmNews & { type: 'stats' } {
  return news.type === 'stats' && news.stats.peers > 0
}

function receivedAll({ bytes }: Content) {
  return (news: SwarmNews): news is SwarmNews & { type: 'stats' } =>
    news.type === 'stats' && news.stats.downloaded.seeder >= bytes.length
}

function uploadedAll({ bytes }: Content) {
  return (news: SwarmNews): news is SwarmNews & { type: 'stats' } =>
    news.type === 'stats' &&
    Object.values(news.stats.uploaded).reduce((sum, part) => sum + part, 0) >= bytes.length
}
