import t from 'tap'
import { onceATurn } from '../../../lib/process/once-a-turn.ts'

const turn = () => new Promise(setImmediate)

t.test('the first call of a turn works at once, the others together at its end', async (t) => {
  let done = 0
  const call = onceATurn(() => done++)
  call()
  t.equal(done, 1)
  call()
  call()
  t.equal(done, 1)
  await turn()
  t.equal(done, 2)
  await turn()
  await turn()
  t.equal(done, 2, 'nothing is done that nobody asked for')
  call()
  t.equal(done, 3)
})

t.test('work that asks for itself is done once a turn', async (t) => {
  let done = 0
  const call = onceATurn(() => {
    if (++done < 4) call()
  })
  call()
  t.equal(done, 1)
  await turn()
  t.equal(done, 2)
  await turn()
  await turn()
  t.equal(done, 4)
})
