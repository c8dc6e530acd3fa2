/** What peers are told and given: BEP 6 and BEP 54 from the side that has the pieces. */
import t from 'tap'
import { PieceBits } from '../../../../lib/store/piece-bits.ts'
import type { Peer } from '../../../../lib/swarm/wire/peer.ts'
import { UNLIMITED } from '../../../../lib/swarm/wire/rate-limit.ts'
import { createServing } from '../../../../lib/swarm/wire/serving.ts'
import { createUploads } from '../../../../lib/swarm/wire/uploads.ts'
import { makeContent } from '../torrent-folder.ts'
import { fakeDate } from './fake-date.ts'
import { extensionsOf, type FakePeer, type FakePeerOptions, fakePeer } from './fake-peers.ts'

const PIECES = 40
const BLOCK = 16_384
const { metainfo, infoHash } = makeContent('serving', PIECES)
const { pieceCount } = metainfo.geometry

type Test = Pick<typeof t, 'teardown'>

/** Serves a store that has the pieces below `have`. */
function serve(t: Test, have = PIECES) {
  const bits = new PieceBits(PieceBits.allocate(pieceCount, 0), pieceCount, 0)
  for (let index = 0; index < have; index++) bits.claim(index)
  const keeper = {
    bits,
    readRun: async (_: number, views: readonly Uint8Array[]) => {
      for (const view of views) view.fill(1)
      return true
    },
    evict: async (first: number, end: number) => {
      for (let index = first; index < end; index++) bits.clear(index)
    }
  }
  const peers = new Map<number, Peer>()
  const uploads = createUploads({ rate: UNLIMITED })
  t.teardown(() => uploads.close())
  const serving = createServing({
    metainfo,
    keeper,
    peers,
    uploads,
    rate: UNLIMITED,
    mayServe: () => true
  })

  function come(options: FakePeerOptions = {}): FakePeer {
    const fake = fakePeer({
      infoHash,
      pieceCount,
      ...options,
      owner: {
        requested: serving.requested,
        interested: serving.reviewSlots,
        closed: (peer) => void peers.delete(peer.serial)
      }
    })
    peers.set(fake.peer.serial, fake.peer)
    serving.greet(fake.peer)
    return fake
  }

  return { serving, bits, come }
}
const namesOf = async (fake: FakePeer) => (await fake.sent()).map(({ name }) => name)

t.test('a peer is told what we have in the shortest way it understands', async (t) => {
  t.same(await namesOf(serve(t).come()), ['haveAll', 'unchoke'])
  t.same(await namesOf(serve(t).come({ fast: false })), ['bitfield', 'unchoke'])
  t.same(await namesOf(serve(t, 3).come()), ['bitfield', 'unchoke'])
  t.same(await namesOf(serve(t, 0).come()), ['haveNone', 'unchoke'])
  t.same(await namesOf(serve(t, 0).come({ fast: false })), ['unchoke'])
})

t.test('an unchoked peer is given what it asks for', async (t) => {
  for (const fast of [true, false]) {
    const fake = serve(t).come({ fast })
    fake.says((out) => out.request(1, 0, BLOCK))
    await fake.sent()
    t.ok((await namesOf(fake)).includes('piece'), `fast: ${fast}`)
  }
})

/** Takes every slot, so that who comes next is choked. */
function full(t: Test) {
  const room = serve(t)
  for (let nth = 0; nth < 64; nth++) {
    room.come({ host: `198.51.100.${nth}` }).says((out) => out.interested())
  }
  return room
}

t.test('a choked peer without BEP 6 is not answered, and stays', async (t) => {
  const fake = full(t).come({ fast: false })
  fake.says((out) => out.request(1, 0, BLOCK))
  t.same(await namesOf(fake), ['bitfield'])
  t.same(fake.closed, [])
})

t.test('a choked peer with BEP 6 gets its allowed pieces, and rejects for others', async (t) => {
  const fake = full(t).come()
  const told = await fake.sent()
  t.equal(told[0]?.name, 'haveAll')
  const allowed = told.filter(({ name }) => name === 'allowedFast')
  t.equal(allowed.length, 10)
  const indices = allowed.map(({ body }) => body.readUInt32BE(0))
  const other = Array.from({ length: PIECES }, (_, at) => at).find((at) => !indices.includes(at))
  fake.says((out) => out.request(indices[0] ?? 0, 0, BLOCK))
  fake.says((out) => out.request(other ?? 0, 0, BLOCK))
  await fake.sent()
  const answers = (await fake.sent()).slice(told.length)
  t.same(answers.map(({ name }) => name).sort(), ['piece', 'reject'])
  t.equal(answers.find(({ name }) => name === 'reject')?.body.readUInt32BE(0), other)
  t.same(fake.closed, [])
})

t.test('nobody waits for ever: slots pass on', async (t) => {
  const clock = fakeDate(t)
  const { serving, come } = full(t)
  const fake = come()
  fake.says((out) => out.interested())
  t.notOk((await namesOf(fake)).includes('unchoke'))
  clock.tick(11_000)
  serving.tick(Date.now())
  t.ok((await namesOf(fake)).includes('unchoke'))
})

t.test('a node of the fleet is unchoked though strangers have every slot', async (t) => {
  const clock = fakeDate(t)
  const { serving, come } = full(t)
  const fake = come({ peerClass: 'gateway' })
  fake.says((out) => out.interested())
  clock.tick(100)
  serving.tick(Date.now())
  t.notOk(fake.peer.amChoking)
})

t.test('a new piece is told to those who lack it, a lost one is taken back', async (t) => {
  const { serving, bits, come } = serve(t, 3)
  const one = come()
  one.says((out) => out.extended(0, extensionsOf()))
  const has = come()
  has.says((out) => out.have(7))
  await one.sent()
  bits.claim(7)
  serving.offer(7)
  t.equal((await one.sent()).at(-1)?.name, 'have')
  t.notOk((await namesOf(has)).includes('have'))
  await serving.evict(0, 2)
  const taken = (await one.sent()).slice(-2)
  t.same(
    taken.map(({ name, body }) => [name, body[0], body.readUInt32BE(1)]),
    [
      ['extended', 3, 0],
      ['extended', 3, 1]
    ]
  )
  one.says((out) => out.request(0, 0, BLOCK))
  t.equal((await one.sent()).at(-1)?.name, 'reject')
  t.same(one.closed, [])
})

t.test('a peer without BEP 6 that asks for an evicted piece is closed', async (t) => {
  const { serving, come } = serve(t)
  const fake = come({ fast: false })
  await serving.evict(0, 2)
  fake.says((out) => out.request(0, 0, BLOCK))
  t.same(fake.closed, ['asked for a piece that is not there'])
})

t.test('a peer that was told nothing before the metainfo came hears of each piece', async (t) => {
  const { serving } = serve(t, 2)
  const fake = fakePeer({ infoHash, pieceCount })
  fake.peer.toldPieces = true
  serving.greet(fake.peer)
  t.same(await namesOf(fake), ['have', 'have', 'unchoke'])
})
