import t from 'tap'
import { inNaturalOrder } from '../../../gateway/content/natural-order.ts'

const sorted = (...names: string[]) => inNaturalOrder(names, (name) => name)

t.test('numbers count by value, and the case of a letter for little', async (t) => {
  t.same(sorted('b10', 'B9', 'a', 'Z', 'é', 'f'), ['a', 'B9', 'b10', 'é', 'f', 'Z'])
})

t.test('very many stay in the order they have', async (t) => {
  const names = Array.from({ length: 3000 }, (_, index) => String(3000 - index))
  t.same(sorted(...names), names)
})

t.test('what was given is not changed', async (t) => {
  const names = ['b', 'a']
  inNaturalOrder(names, (name) => name)
  t.same(names, ['b', 'a'])
})
