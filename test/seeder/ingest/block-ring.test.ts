import t from 'tap'
import { BLOCK_BYTES, createBlockRing } from '../../../seeder/ingest/block-ring.ts'

const never = new AbortController().signal

t.test('blocks do not overlap, and together they are the memory', async (t) => {
  const ring = createBlockRing()
  const blocks = await Promise.all(Array.from({ length: 8 }, () => ring.take(never)))
  const starts = blocks.map(({ start }) => start).toSorted((a, b) => a - b)
  t.same(
    starts,
    [0, 1, 2, 3, 4, 5, 6, 7].map((index) => index * BLOCK_BYTES)
  )
  t.equal(ring.memory.byteLength, 8 * BLOCK_BYTES)
  const [first] = blocks
  first?.bytes.fill(7)
  t.equal(new Uint8Array(ring.memory)[first?.start ?? 0], 7, 'a block is a view of the memory')
})

t.test('without a free block the taker waits for one to be given', async (t) => {
  const ring = createBlockRing(10)
  t.equal(ring.memory.byteLength, BLOCK_BYTES, 'a small upload has one block')
  const block = await ring.take(never)
  const waiting = ring.take(never)
  ring.give(block)
  t.equal(await waiting, block)
})

t.test('a taker whose signal aborts gets nothing, and the block stays free', async (t) => {
  const ring = createBlockRing(10)
  const block = await ring.take(never)
  const abort = new AbortController()
  const waiting = ring.take(abort.signal)
  abort.abort(new Error('enough'))
  await t.rejects(waiting, { message: 'enough' })
  await t.rejects(ring.take(abort.signal), { message: 'enough' })
  ring.give(block)
  t.equal(await ring.take(never), block)
})
