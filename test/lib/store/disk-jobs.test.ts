import t from 'tap'
import { createDiskJobs } from '../../../lib/store/disk-jobs.ts'

const LATER = new AbortController().signal

function job() {
  const { promise, resolve } = Promise.withResolvers<void>()
  let started = false
  const run = () => {
    started = true
    return promise
  }
  return { run, end: resolve, isRunning: () => started }
}

/** Lets everything that is due happen. */
const turn = () => new Promise((resolve) => setImmediate(resolve))

t.test('jobs of a purpose wait for their turn, in order', async (t) => {
  const jobs = createDiskJobs({ http: 1 })
  const all = [job(), job(), job()]
  const done = all.map(({ run }) => jobs.run('http', LATER, run))
  await turn()
  t.same(
    all.map((one) => one.isRunning()),
    [true, false, false]
  )
  all[0]?.end()
  await turn()
  t.same(
    all.map((one) => one.isRunning()),
    [true, true, false]
  )
  for (const one of all) one.end()
  await Promise.all(done)
})

t.test('one purpose does not hold up another', async (t) => {
  const jobs = createDiskJobs({ scrub: 1 })
  const [stuck, other] = [job(), job()]
  const scrubbing = jobs.run('scrub', LATER, stuck.run)
  t.equal(await jobs.run('http', LATER, async () => 'served'), 'served')
  const waiting = jobs.run('scrub', LATER, other.run)
  await turn()
  t.equal(other.isRunning(), false)
  stuck.end()
  other.end()
  await Promise.all([scrubbing, waiting])
})

t.test('who gives up in the queue never runs and holds nobody up', async (t) => {
  const jobs = createDiskJobs({ http: 1 })
  const [first, second, third] = [job(), job(), job()]
  const running = jobs.run('http', LATER, first.run)
  const leaving = new AbortController()
  const left = t.rejects(jobs.run('http', leaving.signal, second.run), { message: 'left' })
  const last = jobs.run('http', LATER, third.run)
  leaving.abort(new Error('left'))
  await left
  first.end()
  third.end()
  await Promise.all([running, last])
  t.equal(second.isRunning(), false)
  await t.rejects(jobs.run('http', leaving.signal, second.run), { message: 'left' })
})

t.test('a job that fails gives its place back', async (t) => {
  const jobs = createDiskJobs({ http: 1 })
  const failing = jobs.run('http', LATER, async () => {
    throw new Error('disk')
  })
  await t.rejects(failing, { message: 'disk' })
  t.equal(await jobs.run('http', LATER, async () => 1), 1)
})
