import t from 'tap'
import { editDistance, nearest } from '../../../lib/config/nearest.ts'

t.test('the edit distance counts insertions, deletions and replacements', async (t) => {
  for (const [a, b, distance] of [
    ['', '', 0],
    ['', 'abc', 3],
    ['abc', '', 3],
    ['kitten', 'sitting', 3],
    ['PORT', 'PROT', 2],
    ['same', 'same', 0]
  ] as const) {
    t.equal(editDistance(a, b), distance, `${a} ${b}`)
  }
})

t.test('the nearest of several is found, the first of equals', async (t) => {
  t.equal(nearest('GATEWAY_PROT', ['TRACKER_PORT', 'GATEWAY_PORT']), 'GATEWAY_PORT')
  t.equal(nearest('x', ['a', 'b']), 'a')
  t.equal(nearest('x', []), undefined)
})
