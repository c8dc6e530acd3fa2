import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import t from 'tap'
import { PieceBits } from '../../../lib/store/piece-bits.ts'

const bitsOf = (pieces: number, extents = 0) =>
  new PieceBits(PieceBits.allocate(pieces, extents), pieces, extents)

t.test('a piece is missing, claimed, proven, and missing again', (t) => {
  const bits = bitsOf(10)
  t.same([bits.has(9), bits.isProven(9), bits.count()], [false, false, 0])
  bits.claim(9)
  t.same([bits.has(9), bits.isProven(9), bits.count()], [true, false, 1])
  bits.prove(9)
  t.same([bits.has(9), bits.isProven(9), bits.count()], [true, true, 1])
  bits.clear(9)
  t.same([bits.has(9), bits.isProven(9), bits.count()], [false, false, 0])
  t.end()
})

t.test('an index beyond the end is nothing', (t) => {
  const bits = bitsOf(8)
  t.same([bits.has(8), bits.has(1e6), bits.isProven(8)], [false, false, false])
  t.end()
})

t.test('the have bitfield is a copy in the order of BEP 3', (t) => {
  const bits = bitsOf(10)
  for (const index of [0, 7, 8]) bits.prove(index)
  const copy = bits.haveBitfield()
  t.same([...copy], [0b1000_0001, 0b1000_0000])
  bits.prove(1)
  t.equal(copy[0], 0b1000_0001)
  t.end()
})

t.test('residency is apart from the pieces', (t) => {
  const bits = bitsOf(9, 3)
  bits.setResident(2, true)
  t.same([bits.resident(0), bits.resident(2), bits.count()], [false, true, 0])
  bits.setResident(2, false)
  t.equal(bits.resident(2), false)
  t.end()
})

t.test('a torrent of no pieces is full', (t) => {
  t.equal(bitsOf(0).full, true)
  t.end()
})

t.test('count and fullness follow any sequence of changes', (t) => {
  const step = fc.tuple(fc.constantFrom('claim', 'prove', 'clear'), fc.nat(19))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const bits = bitsOf(20)
      const model = new Map<number, 'claimed' | 'proven'>()
      for (const [what, index] of steps) {
        if (what === 'claim') {
          bits.claim(index)
          if (!model.has(index)) model.set(index, 'claimed')
        } else if (what === 'prove') {
          bits.prove(index)
          model.set(index, 'proven')
        } else {
          bits.clear(index)
          model.delete(index)
        }
      }
      for (let index = 0; index < 20; index++) {
        if (bits.has(index) !== model.has(index)) return false
        if (bits.isProven(index) !== (model.get(index) === 'proven')) return false
      }
      return bits.count() === model.size && bits.full === (model.size === 20)
    })
  )
  t.end()
})

t.test('what another thread proves is seen here', async (t) => {
  const memory = PieceBits.allocate(64, 0)
  const module = new URL('../../../lib/store/piece-bits.ts', import.meta.url).href
  const source = `
    import { workerData } from 'node:worker_threads'
    const { PieceBits } = await import(${JSON.stringify(module)})
    const bits = new PieceBits(workerData, 64, 0)
    for (let index = 0; index < 64; index += 2) bits.prove(index)`
  const url = new URL(`data:text/javascript,${encodeURIComponent(source)}`)
  const worker = new Worker(url, { workerData: memory })
  const bits = new PieceBits(memory, 64, 0)
  for (let index = 1; index < 64; index += 2) bits.prove(index)
  await new Promise((resolve, reject) => {
    worker.once('exit', resolve)
    worker.once('error', reject)
  })
  t.same([bits.count(), bits.full], [64, true])
})
