import t from 'tap'
import { createReadingTime } from '../../../gateway/content/reading-time.ts'

const late = () => new Error('late')
const never = () => new Promise<never>(() => {})

function controllers() {
  return { client: new AbortController(), content: new AbortController() }
}

t.test('a read gives its outcome, one after the other', async (t) => {
  const { client, content } = controllers()
  const time = createReadingTime(60_000, content.signal)
  t.equal(await time.spend(async () => 1, client.signal, late), 1)
  await t.rejects(
    time.spend(() => Promise.reject(new Error('disk')), client.signal, late),
    { message: 'disk' }
  )
  t.equal(await time.spend(async () => 2, client.signal, late), 2)
  time.close()
})

t.test('a read that takes too long fails, and so does the next', async (t) => {
  const { client, content } = controllers()
  const time = createReadingTime(1, content.signal)
  await t.rejects(time.spend(never, client.signal, late), { message: 'late' })
  await t.rejects(time.spend(never, client.signal, late), { message: 'late' }, 'the clock is wound')
  time.close()
})

t.test('a client that leaves and content that goes end a read with their reason', async (t) => {
  const { client, content } = controllers()
  const time = createReadingTime(60_000, content.signal)
  const first = time.spend(never, client.signal, late)
  client.abort(new Error('left'))
  await t.rejects(first, { message: 'left' })
  await t.rejects(time.spend(never, client.signal, late), { message: 'left' }, 'begun after that')
  const other = new AbortController()
  const second = time.spend(never, other.signal, late)
  content.abort(new Error('gone'))
  await t.rejects(second, { message: 'gone' })
  await t.rejects(time.spend(never, other.signal, late), { message: 'gone' })
  time.close()
})

t.test('what is given up may fail later without anybody hearing of it', async (t) => {
  const { client, content } = controllers()
  const time = createReadingTime(60_000, content.signal)
  const { promise, reject } = Promise.withResolvers<void>()
  const reading = time.spend(() => promise, client.signal, late)
  client.abort(new Error('left'))
  await t.rejects(reading, { message: 'left' })
  reject(new Error('disk'))
  await new Promise(setImmediate)
  time.close()
})

t.test('many reads leave one listener, and none when it is closed', async (t) => {
  const { client, content } = controllers()
  const count = countListeners(client.signal)
  const time = createReadingTime(60_000, content.signal)
  for (let read = 0; read < 100; read++) await time.spend(async () => {}, client.signal, late)
  t.equal(count(), 1)
  time.close()
  t.equal(count(), 0)
})

function countListeners(signal: AbortSignal): () => number {
  let count = 0
  const { addEventListener, removeEventListener } = signal
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    count++
    addEventListener.apply(signal, args)
  }
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    count--
    removeEventListener.apply(signal, args)
  }
  return () => count
}
