import t, { type Test } from 'tap'
import { AppError } from '../../../core/errors.ts'
import { buildInfo } from '../../../core/metainfo-build.ts'
import type { ForeignHints } from '../../../lib/node/foreign.ts'
import { hashPieces } from '../../fakes/memory-store.ts'
import { type SampleTorrent, sampleTorrent } from '../../fakes/sample-torrent.ts'
import { openRig, type RigOptions, until } from './node-rig.ts'

const NEVER = new AbortController().signal
const PEER = { host: '192.0.2.1', port: 6881, class: 'stranger' } as const
const TRACKERS = ['http://tracker.test/announce']
const NONE: ForeignHints = { trackers: [], peers: [], near: false }
const anything = () => {}

async function open(t: Test, sample: SampleTorrent, options: RigOptions = { library: false }) {
  const rig = await openRig(t, options)
  rig.swarm.onDiscover = async () => sample.metainfo.info
  const { infoHash } = sample.metainfo
  const { foreign } = rig.node
  const learn = (hints = NONE, accept: Parameters<typeof foreign.learn>[2] = anything) =>
    foreign.learn(infoHash, hints, accept, NEVER)
  return { ...rig, infoHash, foreign, learn }
}

const sample = () => sampleTorrent({ size: 30_000, pieceLength: 16_384 })

t.test('a torrent that nobody published is learned from strangers and joined', async (t) => {
  const one = sample()
  const { learn, infoHash, swarm, announcer, fleet, node } = await open(t, one)
  const metainfo = await learn({ trackers: TRACKERS, peers: [PEER], near: false })
  t.equal(metainfo.infoHash, infoHash)
  t.same(swarm.discoveries, [infoHash])
  t.same(announcer.consulted, [{ infoHash, urls: TRACKERS, near: false }])
  t.match(swarm.joined, [{ infoHash }])
  t.same(swarm.introduced, [PEER])
  t.equal(announcer.announced.get(infoHash)?.left(), 1, 'missing bytes: peers are wanted')
  const session = await node.open(infoHash, NEVER)
  t.equal(session.store.kind, 'cache')
  t.same(fleet.asked, [], 'the tracker has nothing to say about it')
})

t.test(
  'while nobody answers it is announced, and no more once the search is given up',
  async (t) => {
    const { infoHash, foreign, swarm, announcer } = await open(t, sample())
    swarm.onDiscover = () => new Promise(() => {})
    const stop = new AbortController()
    const learned = foreign.learn(infoHash, NONE, anything, stop.signal).catch((err) => err)
    await until(() => announcer.announced.has(infoHash))
    stop.abort(new Error('enough'))
    t.match(await learned, { message: 'enough' })
    t.same(announcer.forgotten, [infoHash])
  }
)

t.test('one that is not accepted leaves nothing behind', async (t) => {
  const { infoHash, learn, announcer, node, swarm } = await open(t, sample())
  const refuse = () => {
    throw new AppError('TORRENT_TOO_LARGE', 'too large')
  }
  await t.rejects(learn(NONE, refuse), { code: 'TORRENT_TOO_LARGE' })
  t.same(announcer.forgotten, [infoHash])
  t.same(swarm.joined, [])
  t.notOk(node.holds(infoHash))
  await t.rejects(node.open(infoHash, NEVER), { code: 'CONTENT_UNKNOWN' })
})

t.test('metainfo that is no torrent is refused', async (t) => {
  const { learn, swarm } = await open(t, sample())
  swarm.onDiscover = async () => Buffer.from('d3:fooi1ee')
  await t.rejects(learn(), { code: 'METAINFO_INVALID' })
})

t.test('a private torrent leaves the DHT as soon as it is known to be private', async (t) => {
  const bytes = Buffer.alloc(30_000, 7)
  const common = { name: 'secret', pieceLength: 16_384, size: bytes.byteLength }
  const { metainfo: open_ } = buildInfo({ ...common, pieces: hashPieces(bytes, 16_384) })
  const info = Buffer.from(
    Buffer.from(open_.info).toString('latin1').replace(/e$/, '7:privatei1ee'),
    'latin1'
  )
  const rig = await openRig(t, { library: false })
  rig.swarm.onDiscover = async () => info
  const metainfo = await rig.node.foreign.learn(open_.infoHash, NONE, anything, NEVER)
  t.ok(metainfo.private)
  t.same(rig.announcer.forgotten, [open_.infoHash])
})

t.test('what the cache still has needs no stranger', async (t) => {
  const one = sample()
  const { learn, infoHash, swarm, descriptors, node, foreign } = await open(t, one)
  await learn()
  const session = await node.open(infoHash, NEVER)
  const seat = session.sit()
  await seat.want({ first: 0, end: 1 }, NEVER)
  await swarm.deliver(one, 0, descriptors)
  await session.store.whenProven(0, NEVER)
  seat.leave()
  await foreign.leave(infoHash)
  t.ok(node.holds(infoHash))
  await learn()
  t.equal(swarm.discoveries.length, 1)
})

t.test('leaving ends its session and its announcing', async (t) => {
  const { learn, infoHash, swarm, announcer, foreign, node } = await open(t, sample())
  await learn()
  await foreign.leave(infoHash)
  t.same(swarm.left, [infoHash])
  t.same(announcer.forgotten, [infoHash])
  t.notOk(node.holds(infoHash), 'nothing of it was fetched')
  await foreign.leave(infoHash)
})

t.test('one that was published meanwhile is not left', async (t) => {
  const one = sample()
  const { learn, infoHash, swarm, foreign, fleet } = await open(t, one)
  await learn()
  fleet.publish(one)
  await foreign.leave(infoHash)
  t.same(swarm.left, [])
})

t.test('reading it is being busy with it', async (t) => {
  const { learn, infoHash, foreign, node } = await open(t, sample())
  await learn()
  t.notOk(foreign.isBusy(infoHash))
  const seat = (await node.open(infoHash, NEVER)).sit()
  t.ok(foreign.isBusy(infoHash))
  seat.leave()
})

t.test('hints of a later link are taken, its trackers at most once a minute', async (t) => {
  const { learn, infoHash, announcer, swarm } = await open(t, sample())
  await learn()
  t.same(announcer.consulted, [{ infoHash, urls: [], near: false }])
  await learn({ trackers: TRACKERS, peers: [PEER], near: true })
  t.same(swarm.introduced, [PEER])
  t.equal(announcer.consulted.length, 1, 'it was only just looked for')
})

t.test('an empty torrent is not announced', async (t) => {
  const { metainfo } = buildInfo({
    name: 'empty',
    pieceLength: 16_384,
    pieces: Buffer.alloc(0),
    size: 0
  })
  const rig = await openRig(t, { library: false })
  rig.swarm.onDiscover = async () => metainfo.info
  await rig.node.foreign.learn(metainfo.infoHash, NONE, anything, NEVER)
  t.same([...rig.announcer.announced.keys()], [])
})
