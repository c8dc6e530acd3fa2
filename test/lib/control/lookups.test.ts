import t from 'tap'
import { infoHashOf } from '../../../core/info-hash.ts'
import { createLookups } from '../../../lib/control/lookups.ts'

const never = new AbortController().signal
const infoHash = (n: number) => infoHashOf(Buffer.from(String(n)))

t.test('one question too many is refused, and asked when there is room again', async (t) => {
  const answer = Promise.withResolvers<undefined>()
  let asked = 0
  const lookups = createLookups({
    known: () => undefined,
    ask: () => {
      asked += 1
      return answer.promise
    },
    learn: () => {},
    now: () => 0
  })
  const waiting = Array.from({ length: 1000 }, (_, n) => lookups.find(infoHash(n), never))
  t.equal(asked, 1000)
  await t.rejects(lookups.find(infoHash(1000), never), {
    code: 'TRACKER_UNAVAILABLE',
    retryAfter: 1
  })
  answer.resolve(undefined)
  await Promise.all(waiting)
  t.equal(await lookups.find(infoHash(1000), never), undefined)
  t.equal(asked, 1001)
})

t.test('the memory of what is unknown is bounded: the oldest is asked again', async (t) => {
  let asked = 0
  const lookups = createLookups({
    known: () => undefined,
    async ask() {
      asked += 1
      return undefined
    },
    learn: () => {},
    now: () => 0
  })
  for (let n = 0; n <= 10_000; n += 1) await lookups.find(infoHash(n), never)
  t.equal(asked, 10_001)
  await lookups.find(infoHash(10_000), never)
  t.equal(asked, 10_001, 'the newest is remembered')
  await lookups.find(infoHash(0), never)
  t.equal(asked, 10_002, 'the oldest is not')
})
