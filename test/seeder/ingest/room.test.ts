import t from 'tap'
import { createRoom } from '../../../seeder/ingest/room.ts'

const MiB = 2 ** 20
/** What the room keeps back. */
const RESERVE = 32 * MiB

t.test('uploads at the same time cannot count on the same bytes', async (t) => {
  const room = createRoom(async () => RESERVE + 100)
  using _first = await room.reserve(60)
  await t.rejects(room.reserve(41), { code: 'STORE_FULL' })
  using _second = await room.reserve(40)
  const both = await Promise.allSettled([room.reserve(1), room.reserve(0)])
  t.same(
    both.map(({ status }) => status),
    ['rejected', 'fulfilled']
  )
})

t.test('what an upload has written is not counted twice', async (t) => {
  let free = RESERVE + 100
  const room = createRoom(async () => free)
  using first = await room.reserve(80)
  await first.advance(50)
  free -= 50
  using _second = await room.reserve(20)
  await t.rejects(room.reserve(1), { code: 'STORE_FULL' })
})

t.test('what an upload reserved is free again when it ends', async (t) => {
  const room = createRoom(async () => RESERVE + 100)
  {
    using _first = await room.reserve(100)
  }
  using _second = await room.reserve(100)
  t.pass('the second found room')
})

t.test('an upload of unknown length reserves as it grows', async (t) => {
  let free = RESERVE + 40 * MiB
  const room = createRoom(async () => free)
  using upload = await room.reserve(undefined)
  await upload.advance(32 * MiB)
  free -= 32 * MiB
  await t.rejects(upload.advance(32 * MiB + 1), { code: 'STORE_FULL', retryAfter: 60 })
})

t.test('the error names what is left', async (t) => {
  const room = createRoom(async () => RESERVE + 10 * MiB)
  await t.rejects(room.reserve(11 * MiB), { message: /10/ })
  await t.rejects(createRoom(async () => 0).reserve(1), { code: 'STORE_FULL' })
})
