import fc from 'fast-check'
import t from 'tap'
import { addressOf } from '../../../tracker/announce/address.ts'
import { compactEntry, PeerTable } from '../../../tracker/announce/peer-table.ts'

const ALL = { limit: 100, seed: false, private: true }
const entry = (n: number) => compactEntry(addressOf(new Uint8Array([8, 8, n >> 8, n & 255])), 6881)
const LEECHER = { seed: false, private: false }
const SEED = { seed: true, private: false }

function entries(bytes: Buffer, length = 6): string[] {
  const found: string[] = []
  for (let at = 0; at < bytes.length; at += length) {
    found.push(bytes.toString('hex', at, at + length))
  }
  return found.sort()
}

const hex = (...ns: number[]) => ns.map((n) => Buffer.from(entry(n)).toString('hex')).sort()

t.test('a compact entry is the address and the port in network order', async (t) => {
  const v4 = compactEntry(addressOf(new Uint8Array([1, 2, 3, 4])), 6881)
  t.equal(Buffer.from(v4).toString('hex'), '010203041ae1')
  t.equal(compactEntry(addressOf(new Uint8Array(16)), 1).length, 18)
})

t.test('peers are handed out as they came, the requester left out', async (t) => {
  const table = new PeerTable(4)
  for (const n of [1, 2, 3]) table.put(entry(n), LEECHER, 0)
  t.same(entries(table.select(ALL)), hex(1, 2, 3))
  t.same(entries(table.select({ ...ALL, self: entry(2) })), hex(1, 3))
  t.same(entries(table.select({ ...ALL, self: entry(9) })), hex(1, 2, 3))
})

t.test('an IPv6 answer has entries of eighteen bytes', async (t) => {
  const table = new PeerTable(16)
  const peer = compactEntry(addressOf(new Uint8Array(16).fill(7)), 1)
  table.put(peer, LEECHER, 0)
  t.equal(table.select(ALL).toString('hex'), `${'07'.repeat(16)}0001`)
})

t.test('no more peers than asked for, and not always the same ones', async (t) => {
  const table = new PeerTable(4)
  for (let n = 0; n < 50; n += 1) table.put(entry(n), LEECHER, 0)
  const seen = new Set<string>()
  for (let round = 0; round < 200; round += 1) {
    const some = entries(table.select({ ...ALL, limit: 10 }))
    t.equal(new Set(some).size, 10)
    for (const peer of some) seen.add(peer)
  }
  t.equal(seen.size, 50)
  t.equal(table.select({ ...ALL, limit: 0 }).length, 0)
})

t.test('a seed is told about leechers first', async (t) => {
  const table = new PeerTable(4)
  for (let n = 1; n <= 20; n += 1) table.put(entry(n), n === 7 ? LEECHER : SEED, 0)
  t.same(entries(table.select({ ...ALL, limit: 1, seed: true })), hex(7))
  t.equal(entries(table.select({ ...ALL, seed: true })).length, 20)
})

t.test('who claims to have everything may still look for metainfo, and finds seeds', async (t) => {
  const table = new PeerTable(4)
  table.put(entry(1), SEED, 0)
  table.put(entry(2), SEED, 0)
  t.same(entries(table.select({ ...ALL, seed: true, self: entry(2) })), hex(1))
})

t.test('the world is not told about private peers', async (t) => {
  const table = new PeerTable(4)
  table.put(entry(1), { seed: true, private: true }, 0)
  table.put(entry(2), LEECHER, 0)
  t.same(entries(table.select({ ...ALL, private: false })), hex(2))
  t.same(entries(table.select(ALL)), hex(1, 2))
})

t.test('a renewed peer is counted once, as what it is now', async (t) => {
  const table = new PeerTable(4)
  table.put(entry(1), LEECHER, 0)
  t.equal(table.seed(entry(1)), false)
  table.put(entry(1), SEED, 1)
  t.same([table.size, table.seeds, table.seed(entry(1))], [1, 1, true])
  table.put(entry(1), LEECHER, 2)
  t.same([table.size, table.seeds], [1, 0])
  t.equal(table.seed(entry(2)), undefined)
})

t.test('the silent are forgotten, the renewed are kept', async (t) => {
  const table = new PeerTable(4)
  for (const n of [1, 2, 3, 4]) table.put(entry(n), SEED, n)
  table.put(entry(1), SEED, 9)
  table.expire(4)
  t.same(entries(table.select(ALL)), hex(1, 4))
  t.equal(table.seeds, 2)
})

t.test('removing tells whether there was somebody to remove', async (t) => {
  const table = new PeerTable(4)
  table.put(entry(1), SEED, 0)
  t.equal(table.remove(entry(1)), true)
  t.equal(table.remove(entry(1)), false)
  t.same([table.size, table.seeds, table.select(ALL).length], [0, 0, 0])
})

t.test('whatever happens to it, the table agrees with a plain map', async () => {
  const step = fc.record({
    what: fc.constantFrom('put', 'put', 'put', 'remove', 'expire'),
    n: fc.nat(20),
    seed: fc.boolean(),
    atS: fc.nat(50)
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const table = new PeerTable(4)
      const model = new Map<number, { seed: boolean; atS: number }>()
      for (const { what, n, seed, atS } of steps) {
        if (what === 'put') {
          table.put(entry(n), { seed, private: false }, atS)
          model.set(n, { seed, atS })
        } else if (what === 'remove') {
          table.remove(entry(n))
          model.delete(n)
        } else {
          table.expire(atS)
          for (const [known, peer] of model) if (peer.atS < atS) model.delete(known)
        }
      }
      const seeds = [...model.values()].filter((peer) => peer.seed).length
      const same = entries(table.select(ALL)).join() === hex(...model.keys()).join()
      return same && table.size === model.size && table.seeds === seeds
    })
  )
})
