/** The buffers that uploads are read into and sent from. */
import fc from 'fast-check'
import t from 'tap'
import { BLOCK_BYTES, SlabPool } from '../../../../lib/swarm/wire/upload-slab.ts'

const MAX_BLOCK = 128 * 1024

/** What BEP 3 says the messages are. */
function expected(requests: readonly (readonly number[])[], fill: (nth: number) => Buffer): Buffer {
  const parts = requests.map(([index = 0, begin = 0, length = 0], nth) => {
    const header = Buffer.alloc(13)
    header.writeUInt32BE(9 + length, 0)
    header[4] = 7
    header.writeUInt32BE(index, 5)
    header.writeUInt32BE(begin, 9)
    return Buffer.concat([header, fill(nth).subarray(0, length)])
  })
  return Buffer.concat(parts)
}

t.test('messages of any lengths are laid out one after the other', async () => {
  const lengths = fc.oneof(fc.constant(BLOCK_BYTES), fc.integer({ min: 1, max: MAX_BLOCK }))
  const number = fc.integer({ min: 0, max: 0x7fffffff })
  const requests = fc.array(fc.tuple(number, number, lengths), { maxLength: 20 })
  const pool = new SlabPool(1, 8)
  fc.assert(
    fc.property(requests, (all) => {
      const slab = pool.lend()
      if (slab === undefined) return false
      const laid = all.filter((request) => slab.add(...request))
      const fill = (nth: number) => Buffer.alloc(MAX_BLOCK, nth + 1)
      for (const [nth, view] of slab.views.entries()) view.set(fill(nth).subarray(0, view.length))
      const seen: number[][] = []
      slab.each((...request) => void seen.push(request))
      const right = Buffer.from(slab.message()).equals(expected(laid, fill))
      slab.release()
      return right && JSON.stringify(seen) === JSON.stringify(laid)
    }),
    { numRuns: 50 }
  )
})

t.test('whole blocks are read through the same views every time', async (t) => {
  const pool = new SlabPool(1, 4)
  const rounds = [1, 2].map(() => {
    const slab = pool.lend()
    for (let nth = 0; nth < 4; nth++) slab?.add(0, nth * BLOCK_BYTES, BLOCK_BYTES)
    t.notOk(slab?.add(0, 4 * BLOCK_BYTES, 1), 'full')
    const views = [...(slab?.views ?? [])]
    slab?.release()
    return views
  })
  t.equal(rounds[0]?.length, 4)
  t.ok(rounds[0]?.every((view, nth) => view === rounds[1]?.[nth]))
})

t.test('a small slab takes a block of any allowed length', async (t) => {
  t.ok(new SlabPool(1, 8).lend()?.add(0, 0, MAX_BLOCK))
})

t.test('a pool lends no more than its limit, and what came back again', async (t) => {
  const pool = new SlabPool(2, 1)
  const [first, second] = [pool.lend(), pool.lend()]
  t.equal(pool.lend(), undefined)
  t.equal(pool.left, 0)
  first?.add(1, 2, 3)
  first?.release()
  t.equal(pool.out, 1)
  const again = pool.lend()
  t.equal(again, first)
  t.same(again?.views, [])
  t.equal(again?.message().byteLength, 0)
  second?.release()
  pool.trim()
  t.not(pool.lend(), second, 'its memory was given back')
})
