/** The heap that keeps many due things behind one timer. */
import fc from 'fast-check'
import t from 'tap'
import { type Due, DueHeap } from '../../../lib/swarm/due-heap.ts'

t.test('whatever is put, moved and removed, the earliest comes out first', async (t) => {
  const action = fc.record({
    kind: fc.constantFrom('put', 'remove'),
    item: fc.integer({ min: 0, max: 19 }),
    dueAt: fc.integer({ min: 0, max: 50 })
  })
  fc.assert(
    fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
      const heap = new DueHeap<Due>()
      const items = Array.from({ length: 20 }, (): Due => ({ dueAt: 0, place: -1 }))
      const inside = new Set<Due>()
      for (const { kind, item, dueAt } of actions) {
        const due = items[item] as Due
        if (kind === 'put') {
          heap.put(due, dueAt)
          inside.add(due)
        } else {
          heap.remove(due)
          inside.delete(due)
        }
      }
      const expected = [...inside].map(({ dueAt }) => dueAt).toSorted((a, b) => a - b)
      const came: number[] = []
      for (let next = heap.first; next !== undefined; next = heap.first) {
        came.push(next.dueAt)
        heap.remove(next)
      }
      return heap.size === 0 && JSON.stringify(came) === JSON.stringify(expected)
    })
  )
  t.pass('in order')
})
