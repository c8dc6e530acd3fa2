import { Readable } from 'node:stream'
import t from 'tap'
import { AppError } from '../../../core/errors.ts'
import { BLOCK_BYTES, createBlockRing } from '../../../seeder/ingest/block-ring.ts'
import { type BodySinks, receive } from '../../../seeder/ingest/receive.ts'
import { someBytes } from '../rig.ts'

const never = new AbortController().signal
const LIMITS = { length: undefined, maxBytes: 2 ** 40, idleMs: 60_000 }

/** Sinks that keep what they were given; each step may be held up or fail. */
function sinksFor(overrides: Partial<BodySinks> = {}) {
  const ring = createBlockRing()
  const memory = Buffer.from(ring.memory)
  const written: Buffer[] = []
  const hashed: Buffer[] = []
  const sinks: BodySinks = {
    ring,
    file: {
      append: async (bytes) => {
        written.push(Buffer.from(bytes))
      }
    },
    hash: {
      update: async (start, end) => {
        hashed.push(Buffer.from(memory.subarray(start, end)))
      }
    },
    reservation: { advance: async () => {} },
    onBytes: () => {},
    ...overrides
  }
  return { sinks, written, hashed }
}

const bodyOf = (...chunks: Buffer[]) => Readable.from(chunks, { objectMode: false })

t.test('every byte is written once and hashed once, in order', async (t) => {
  const bytes = someBytes(12 * BLOCK_BYTES + 5)
  const { sinks, written, hashed } = sinksFor()
  const body = bodyOf(
    bytes.subarray(0, 70_000),
    bytes.subarray(70_000, 70_001),
    bytes.subarray(70_001)
  )
  t.equal(await receive(body, LIMITS, sinks, never), bytes.byteLength)
  t.ok(Buffer.concat(written).equals(bytes))
  t.ok(Buffer.concat(hashed).equals(bytes))
  t.equal(written.length, 13, 'in whole blocks and a rest')
})

t.test('a sender waits while no block is free', async (t) => {
  const held = Promise.withResolvers<void>()
  let appended = 0
  const { sinks } = sinksFor({
    file: {
      append: () => {
        appended++
        if (appended === 8) setImmediate(check)
        return held.promise
      }
    }
  })
  let taken = 0
  async function* source() {
    for (; taken < 20; taken++) yield someBytes(BLOCK_BYTES)
  }
  const body = Readable.from(source(), { objectMode: false, highWaterMark: 1 })
  function check() {
    t.equal(appended, 8, 'eight blocks are on their way')
    t.ok(taken < 12, 'and little more was read')
    held.resolve()
  }
  t.equal(await receive(body, LIMITS, sinks, never), 20 * BLOCK_BYTES)
})

t.test('a failing disk ends the reading, and nothing runs any more', async (t) => {
  let hashing = 0
  const { sinks } = sinksFor({
    file: { append: () => Promise.reject(new AppError('STORE_FULL', 'full')) },
    hash: {
      update: async () => {
        hashing++
        await new Promise(setImmediate)
        hashing--
      }
    }
  })
  const body = bodyOf(...Array.from({ length: 30 }, () => someBytes(BLOCK_BYTES)))
  await t.rejects(receive(body, LIMITS, sinks, never), { code: 'STORE_FULL' })
  t.equal(hashing, 0)
  t.notOk(body.destroyed, 'a refusal can still be answered')
})

t.test('a body shorter or longer than declared is refused', async (t) => {
  for (const length of [9, 11]) {
    const { sinks } = sinksFor()
    const limits = { ...LIMITS, length }
    const receiving = receive(bodyOf(someBytes(10)), limits, sinks, never)
    await t.rejects(receiving, { code: 'REQUEST_INVALID', message: /10 bytes/ })
  }
})

t.test('a body over the limit and a room that ends are refused in the middle', async (t) => {
  const limited = sinksFor()
  const limits = { ...LIMITS, maxBytes: 9 }
  const receiving = receive(bodyOf(someBytes(10)), limits, limited.sinks, never)
  await t.rejects(receiving, { code: 'UPLOAD_TOO_LARGE' })
  const full = new AppError('STORE_FULL', 'no room')
  const { sinks } = sinksFor({ reservation: { advance: () => Promise.reject(full) } })
  await t.rejects(receive(bodyOf(someBytes(10)), LIMITS, sinks, never), full)
})
