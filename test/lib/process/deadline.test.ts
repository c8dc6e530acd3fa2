import t from 'tap'
import { deadline } from '../../../lib/process/deadline.ts'

const late = () => new Error('late')

t.test('it aborts with its own reason when the time is over', async (t) => {
  using limit = deadline(1, late)
  await new Promise((resolve) => limit.signal.addEventListener('abort', resolve))
  t.match(limit.signal.reason, { message: 'late' })
})

t.test('it aborts with the reason of another signal if that comes first', async (t) => {
  const [one, other] = [new AbortController(), new AbortController()]
  using limit = deadline(60_000, late, one.signal, other.signal)
  t.notOk(limit.signal.aborted)
  other.abort(new Error('left'))
  t.match(limit.signal.reason, { message: 'left' })
  one.abort(new Error('too late'))
  t.match(limit.signal.reason, { message: 'left' })
})

t.test('a signal that is aborted already aborts it at once', async (t) => {
  using limit = deadline(60_000, late, AbortSignal.abort(new Error('left')))
  t.match(limit.signal.reason, { message: 'left' })
})

t.test('in time disposed of it never aborts', async (t) => {
  const other = new AbortController()
  const limit = deadline(60_000, late, other.signal)
  limit[Symbol.dispose]()
  other.abort(new Error('left'))
  t.notOk(limit.signal.aborted)
})
