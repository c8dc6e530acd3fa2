/** Whose turn it is. */
import fc from 'fast-check'
import t from 'tap'
import type { PeerClass } from '../../../../lib/swarm/contract.ts'
import { UploadTurns } from '../../../../lib/swarm/wire/upload-turns.ts'

interface Member {
  readonly name: string
  readonly torrent: object
  readonly address: string
  peerClass: PeerClass
}

const torrents = [{ name: 'one' }, { name: 'two' }, { name: 'three' }]

function member(torrent: number, address: string, peerClass: PeerClass = 'stranger'): Member {
  const name = `${torrent} ${address} ${peerClass}`
  return { name, torrent: torrents[torrent] ?? {}, address, peerClass }
}

/** Gives whose turn it is so many bytes; it is ready again at once. */
function serve(turns: UploadTurns<Member>, bytes = 1): Member {
  const one = turns.first(false)
  if (one === undefined) throw new Error('nobody')
  turns.charge(one, bytes)
  turns.remove(one)
  turns.add(one)
  return one
}

function play(members: readonly Member[], turnCount: number): Map<Member, number> {
  const turns = new UploadTurns<Member>()
  for (const one of members) turns.add(one)
  const had = new Map(members.map((one) => [one, 0]))
  for (let turn = 0; turn < turnCount; turn++) {
    const one = serve(turns)
    had.set(one, (had.get(one) ?? 0) + 1)
  }
  return had
}

const sum = (had: Map<Member, number>, which: (member: Member) => boolean) =>
  [...had].reduce((total, [one, turns]) => total + (which(one) ? turns : 0), 0)

t.test('fifty connections of one address have one turn between them', async (t) => {
  const crowd = Array.from({ length: 50 }, () => member(0, 'a'))
  const had = play([...crowd, member(0, 'b')], 200)
  t.equal(
    sum(had, ({ address }) => address === 'a'),
    100
  )
  t.equal(
    sum(had, ({ address }) => address === 'b'),
    100
  )
  t.ok([...had.values()].every((turns) => turns > 0))
})

t.test('a torrent with many peers has no more turns than one with one', async (t) => {
  const crowd = Array.from({ length: 9 }, (_, nth) => member(0, `${nth}`))
  const had = play([...crowd, member(1, 'a'), member(2, 'a')], 300)
  for (const torrent of torrents)
    t.equal(
      sum(had, (one) => one.torrent === torrent),
      100
    )
})

t.test('gateways have most turns, and strangers never none', async (t) => {
  const crowd = Array.from({ length: 20 }, (_, nth) => member(0, `${nth}`, 'gateway'))
  const had = play([...crowd, member(0, 'x', 'seeder'), member(1, 'y')], 1100)
  t.equal(
    sum(had, ({ peerClass }) => peerClass === 'gateway'),
    800
  )
  t.equal(
    sum(had, ({ peerClass }) => peerClass === 'seeder'),
    200
  )
  t.equal(
    sum(had, ({ peerClass }) => peerClass === 'stranger'),
    100
  )
})

t.test('strangers are passed over while only the fleet is served', async (t) => {
  const turns = new UploadTurns<Member>()
  const [stranger, seeder] = [member(0, 'a'), member(0, 'b', 'seeder')]
  turns.add(stranger)
  t.equal(turns.first(true), undefined)
  turns.add(seeder)
  t.equal(turns.first(true), seeder)
  turns.remove(seeder)
  t.equal(turns.first(false), stranger)
  turns.remove(stranger)
  t.equal(turns.first(false), undefined)
})

t.test('bytes are shared, not turns', async (t) => {
  const turns = new UploadTurns<Member>()
  const [small, large] = [member(0, 'a'), member(0, 'b')]
  turns.add(small)
  turns.add(large)
  const given = new Map([
    [small, 0],
    [large, 0]
  ])
  for (let turn = 0; turn < 900; turn++) {
    const bytes = turns.first(false) === large ? 8 : 1
    const one = serve(turns, bytes)
    given.set(one, (given.get(one) ?? 0) + bytes)
  }
  t.same([...given.values()], [800, 800])
})

t.test('who is away for a moment loses nothing, who is away for long gains nothing', async (t) => {
  const turns = new UploadTurns<Member>()
  const [steady, again] = [member(0, 'a'), member(0, 'b')]
  turns.add(steady)
  turns.add(again)
  for (let turn = 0; turn < 10; turn++) serve(turns)
  turns.remove(again)
  for (let turn = 0; turn < 1000; turn++) t.equal(serve(turns), steady)
  turns.add(again)
  const next = Array.from({ length: 20 }, () => serve(turns))
  t.equal(next.filter((one) => one === again).length, 10)
})

t.test('a connection that is away during its own read has its full part', async (t) => {
  const turns = new UploadTurns<Member>()
  const one = member(0, 'b')
  for (let nth = 0; nth < 5; nth++) turns.add(member(0, 'a'))
  turns.add(one)
  let had = 0
  for (let turn = 0; turn < 600; turn++) {
    const next = turns.first(false)
    if (next === undefined) throw new Error('nobody')
    turns.charge(next, 1)
    turns.remove(next)
    const other = turns.first(false)
    t.not(other, next, 'it is being read')
    if (next === one) had++
    turns.add(next)
  }
  t.ok(Math.abs(had - 300) <= 1, `${had}`)
})

t.test('a node that proves itself while it waits is found where it waits', async (t) => {
  const turns = new UploadTurns<Member>()
  const one = member(0, 'a')
  turns.add(one)
  one.peerClass = 'gateway'
  turns.add(one)
  t.equal(turns.size, 1)
  turns.remove(one)
  turns.remove(one)
  t.equal(turns.size, 0)
  t.equal(turns.first(false), undefined)
})

t.test('whoever waits is served before anybody of the same address is served twice', async () => {
  const one = fc.tuple(fc.nat(2), fc.constantFrom('a', 'b', 'c'))
  fc.assert(
    fc.property(fc.array(one, { minLength: 1, maxLength: 30 }), (list) => {
      const members = list.map(([torrent, address]) => member(torrent, address))
      const bound = 3 * 3 * members.length
      return [...play(members, bound).values()].every((turns) => turns > 0)
    })
  )
})
