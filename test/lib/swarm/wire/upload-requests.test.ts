/** What one peer asks for: as a plain list of triples would be. */
import fc from 'fast-check'
import t from 'tap'
import { MAX_QUEUED, UploadRequests } from '../../../../lib/swarm/wire/upload-requests.ts'

type Triple = [number, number, number]

function listOf(queue: UploadRequests): Triple[] {
  return Array.from({ length: queue.size }, (_, nth) => [
    queue.indexAt(nth),
    queue.beginAt(nth),
    queue.lengthAt(nth)
  ])
}

/** The queue beside a list that is told the same; each step says whether both answered alike. */
function pair() {
  const queue = new UploadRequests()
  const list: Triple[] = []
  return {
    same: () => JSON.stringify(listOf(queue)) === JSON.stringify(list),
    push(...triple: Triple): boolean {
      const room = list.length < MAX_QUEUED
      if (room) list.push(triple)
      return queue.push(...triple) === room
    },
    remove(...triple: Triple): boolean {
      const at = list.findIndex((one) => one.join() === triple.join())
      if (at >= 0) list.splice(at, 1)
      return queue.remove(...triple) === at >= 0
    },
    shift(count: number): boolean {
      list.splice(0, count)
      queue.shift(count)
      return true
    }
  }
}

type Step = (both: ReturnType<typeof pair>) => boolean

const small = fc.nat(3)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(small, small, small).map(
    (triple): Step =>
      (both) =>
        both.push(...triple)
  ),
  fc.tuple(small, small, small).map(
    (triple): Step =>
      (both) =>
        both.remove(...triple)
  ),
  fc.nat(90).map(
    (count): Step =>
      (both) =>
        both.shift(count)
  ),
  fc.nat(200).map(
    (count): Step =>
      (both) => {
        for (let nth = 0; nth < count; nth++) if (!both.push(nth, 1, 2)) return false
        return true
      }
  )
)

t.test('it behaves like a list', async () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const both = pair()
      return steps.every((one) => one(both)) && both.same()
    })
  )
})

t.test('no more wait than is said, and a cancel makes room', async (t) => {
  const queue = new UploadRequests()
  for (let nth = 0; nth < MAX_QUEUED; nth++) queue.push(nth, 0, 1)
  t.notOk(queue.push(5, 5, 5))
  t.ok(queue.remove(7, 0, 1))
  t.ok(queue.push(5, 5, 5))
  t.equal(queue.size, MAX_QUEUED)
  queue.clear()
  t.equal(queue.size, 0)
})
