import t from 'tap'
import { addressOf } from '../../../tracker/announce/address.ts'
import { Link } from '../../../tracker/announce/link.ts'
import { LinkTable } from '../../../tracker/announce/link-table.ts'
import { hashOf } from './tracker-fixture.ts'

function linkFrom(lastByte: number): Link {
  const address = addressOf(new Uint8Array([8, 8, 8, lastByte]))
  return new Link({ address, text: `8.8.8.${lastByte}`, port: 1 }, () => {})
}

const names = (peers: readonly { peerId: string }[]) => peers.map((peer) => peer.peerId).sort()

t.test('some peers are chosen, never the asking one', async (t) => {
  const table = new LinkTable()
  for (const id of ['a', 'b', 'c', 'd']) table.put(id, linkFrom(1), false, 0)
  t.same(names(table.select({ limit: 9, seed: false, self: 'a' })), ['b', 'c', 'd'])
  t.equal(table.select({ limit: 2, seed: false, self: 'a' }).length, 2)
  t.same(table.select({ limit: 0, seed: false, self: 'a' }), [])
  t.same(new LinkTable().select({ limit: 5, seed: false, self: 'a' }), [])
})

t.test('a seed is not introduced to seeds', async (t) => {
  const table = new LinkTable()
  table.put('seed', linkFrom(1), true, 0)
  table.put('leecher', linkFrom(2), false, 0)
  t.same(names(table.select({ limit: 9, seed: true, self: 'me' })), ['leecher'])
  t.equal(table.seeds, 1)
})

t.test('a peer id cannot be taken over from another address', async (t) => {
  const table = new LinkTable()
  const owner = linkFrom(1)
  table.put('a', owner, false, 0)
  t.equal(table.put('a', linkFrom(2), true, 0), false)
  t.equal(table.get('a')?.link, owner)
  t.same([table.size, table.seeds], [1, 0])
})

t.test('a peer that reconnects from its address gets its id back', async (t) => {
  const table = new LinkTable()
  const before = linkFrom(1)
  const after = linkFrom(1)
  table.put('a', before, true, 0)
  t.equal(table.put('a', after, false, 0), true)
  t.equal(table.get('a')?.link, after)
  t.same([table.size, table.seeds], [1, 0])
  t.equal(table.remove('a', before), false, 'the old socket closing takes nothing away')
  t.equal(table.remove('a', after), true)
  t.equal(table.size, 0)
})

t.test('the silent are forgotten and named', async (t) => {
  const table = new LinkTable()
  for (const [atS, id] of ['a', 'b', 'c'].entries()) table.put(id, linkFrom(1), true, atS)
  table.put('a', table.get('a')?.link ?? linkFrom(9), false, 5)
  t.same(names(table.expire(2)), ['b'])
  t.same(names([...table]), ['a', 'c'])
  t.equal(table.seeds, 1)
})

t.test('a link speaks for the first peer id it named', async (t) => {
  const link = linkFrom(1)
  t.equal(link.actsFor, undefined)
  t.equal(link.mayActFor('a'), true)
  t.equal(link.mayActFor('b'), false)
  t.equal(link.mayActFor('a'), true)
  t.equal(link.actsFor, 'a')
})

t.test('a link joins a bounded number of swarms, and stays in those it is in', async (t) => {
  const link = linkFrom(1)
  let joined = 0
  while (joined < 30_000 && link.mayJoin(hashOf(joined))) link.swarms.add(hashOf(joined++))
  t.equal(joined, 20_000)
  t.equal(link.mayJoin(hashOf(0)), true)
  link.swarms.delete(hashOf(0))
  t.equal(link.mayJoin(hashOf(5000)), true)
})
