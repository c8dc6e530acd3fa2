import t from 'tap'
import {
  createBodyBuffers,
  FIRST_BUFFER,
  LAST_BUFFER
} from '../../../gateway/content/body-buffers.ts'

t.test('a buffer grows by doubling until it is as large as any may be', async (t) => {
  const buffers = createBodyBuffers(2 ** 26)
  let buffer = buffers.first()
  t.equal(buffer.byteLength, FIRST_BUFFER)
  while (buffer.byteLength < LAST_BUFFER) {
    const next = buffers.larger(buffer)
    t.equal(next.byteLength, 2 * buffer.byteLength)
    buffer = next
  }
  t.equal(buffers.larger(buffer), buffer)
  t.equal(buffers.usedBytes, LAST_BUFFER)
  buffers.give(buffer, true)
  t.equal(buffers.usedBytes, 0)
})

t.test('without budget nobody grows, and everybody still has a first one', async (t) => {
  const buffers = createBodyBuffers(2 * FIRST_BUFFER)
  const [one, two, three] = [buffers.first(), buffers.first(), buffers.first()]
  t.equal(buffers.usedBytes, 3 * FIRST_BUFFER)
  t.equal(buffers.larger(one), one)
  buffers.give(two, true)
  buffers.give(three, true)
  t.equal(buffers.larger(one).byteLength, 2 * FIRST_BUFFER)
})

t.test('memory whose bytes have left is used again, other memory never', async (t) => {
  const buffers = createBodyBuffers(2 ** 26)
  const [left, pending] = [buffers.first(), buffers.first()]
  buffers.give(pending, false)
  buffers.give(left, true)
  t.equal(buffers.first(), left)
  t.not(buffers.first(), pending)
})

t.test('what waits to be used again is bounded', async (t) => {
  const buffers = createBodyBuffers(2 ** 26)
  const many = Array.from({ length: 1000 }, () => buffers.first())
  for (const buffer of many) buffers.give(buffer, true)
  const again = new Set(Array.from({ length: 1000 }, () => buffers.first()))
  t.equal(many.filter((buffer) => again.has(buffer)).length, (16 * 2 ** 20) / FIRST_BUFFER)
})
