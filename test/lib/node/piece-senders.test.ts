import t from 'tap'
import { createPieceSenders } from '../../../lib/node/piece-senders.ts'

t.test('it remembers who sent a piece', async (t) => {
  const senders = createPieceSenders(4)
  senders.note(1, 'seeder')
  senders.note(2, 'stranger')
  senders.note(3, 'gateway')
  t.same([0, 1, 2, 3, 99].map(senders.of), [undefined, 'seeder', 'stranger', 'gateway', undefined])
})

t.test('who waits for a piece hears of that piece only', async (t) => {
  const senders = createPieceSenders(4)
  const heard: string[] = []
  const first = senders.whenNoted(1, 60_000).then(() => heard.push('first'))
  const second = senders.whenNoted(1, 60_000).then(() => heard.push('second'))
  const other = senders.whenNoted(2, 60_000).then(() => heard.push('other'))
  senders.note(1, 'seeder')
  await Promise.all([first, second])
  t.same(heard, ['first', 'second'])
  senders.note(2, 'seeder')
  await other
})

t.test('who waits in vain stops waiting', async (t) => {
  const senders = createPieceSenders(4)
  await senders.whenNoted(1, 1)
  t.equal(senders.of(1), undefined)
})
