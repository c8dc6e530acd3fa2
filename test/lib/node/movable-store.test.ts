import { randomBytes } from 'node:crypto'
import t from 'tap'
import { AppError } from '../../../core/errors.ts'
import { createMovableStore } from '../../../lib/node/movable-store.ts'
import { memoryStore } from '../../fakes/memory-store.ts'

const PIECE = 16384
const bytes = randomBytes(2 * PIECE)
const LATER = new AbortController().signal

/** A cache's store and its successor in the library. */
function setup() {
  const cache = memoryStore(bytes, { kind: 'cache' })
  const library = memoryStore(bytes, { kind: 'library' })
  return { cache, library, store: createMovableStore(cache) }
}

t.test('it is what it stands for, before and after', async (t) => {
  const { cache, library, store } = setup()
  t.equal(store.kind, 'cache')
  library.arrive(0)
  t.equal(store.moveTo(library), cache)
  t.equal(store.kind, 'library')
  t.equal(store.shared, library.shared)
  t.ok(store.has(0))
})

t.test('who waits for a piece goes on waiting in the successor', async (t) => {
  const { cache, library, store } = setup()
  const ended = Promise.withResolvers<void>()
  cache.whenProven = () => ended.promise
  const waiting = store.whenProven(1, LATER)
  store.moveTo(library)
  ended.reject(new AppError('SHUTTING_DOWN', 'the torrent was closed'))
  await new Promise(setImmediate)
  library.arrive(1)
  await t.resolves(waiting)
})

t.test('who waits for a piece that moved has it', async (t) => {
  const { cache, library, store } = setup()
  const ended = Promise.withResolvers<void>()
  cache.whenProven = () => ended.promise
  const waiting = store.whenProven(1, LATER)
  library.arrive(1)
  library.whenProven = () => new Promise(() => {})
  store.moveTo(library)
  ended.reject(new AppError('SHUTTING_DOWN', 'the torrent was closed'))
  await t.resolves(waiting)
})

t.test('a read and a proof that the former store could not finish succeed', async (t) => {
  const { cache, library, store } = setup()
  library.arrive(0)
  const gone = Promise.withResolvers<void>()
  cache.read = () => gone.promise
  cache.prove = () => gone.promise.then(() => false).catch(() => false)
  const target = Buffer.alloc(PIECE)
  const reading = store.read({ start: 0, end: PIECE }, target, LATER)
  const proving = store.prove(0, LATER)
  store.moveTo(library)
  gone.reject(new AppError('STORE_SHORT_READ', 'the extent is gone'))
  await reading
  t.ok(target.equals(bytes.subarray(0, PIECE)))
  t.equal(await proving, true)
})

t.test('without a move a failure is a failure', async (t) => {
  const { cache, store } = setup()
  cache.read = () => Promise.reject(new AppError('STORE_FAILED', 'as the test wants it'))
  await t.rejects(store.read({ start: 0, end: 1 }, Buffer.alloc(1), LATER), {
    code: 'STORE_FAILED'
  })
})

t.test('who has left does not start anew', async (t) => {
  const { cache, library, store } = setup()
  const left = new AbortController()
  cache.whenProven = (_, signal) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  const waiting = store.whenProven(0, left.signal)
  store.moveTo(library)
  left.abort(new Error('the client left'))
  await t.rejects(waiting, { message: 'the client left' })
})
