import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { createHashPool } from '../../../seeder/ingest/hash-pool.ts'
import { testFolder } from '../../fakes/test-folder.ts'
import { log, someBytes } from '../rig.ts'

const PLAN = { pieceLength: 16_384, piecesUpTo: 2 ** 20, sha512: false }

function openPool(t: Test, workers: number) {
  const pool = createHashPool({ workers }, { log })
  t.teardown(() => pool.close())
  return pool
}

function memoryOf(bytes: Buffer): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(bytes.byteLength)
  bytes.copy(Buffer.from(memory))
  return memory
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

t.test('uploads at the same time do not mix, with fewer workers than uploads', async (t) => {
  const pool = openPool(t, 2)
  const files = [1, 2, 3, 4, 5].map((seed) => someBytes(60_000, seed))
  const sums = await Promise.all(
    files.map(async (bytes) => {
      using job = pool.begin(memoryOf(bytes), PLAN)
      await Promise.all([job.update(0, 20_000), job.update(20_000, 60_000)])
      return await job.finish()
    })
  )
  t.same(
    sums.map((sum) => hex(sum.sha256)),
    files.map(sha256)
  )
})

t.test('the pieces of a file on the disk are those of its bytes', async (t) => {
  const pool = openPool(t, 1)
  const bytes = someBytes(100_000)
  const path = join(testFolder(t), 'file')
  await writeFile(path, bytes)
  using job = pool.begin(memoryOf(bytes), PLAN)
  await job.update(0, bytes.byteLength)
  const { pieces } = await job.finish()
  t.same(await job.pieces(path, PLAN.pieceLength), pieces)
})

t.test('a file that is not there fails its job and no other', async (t) => {
  const pool = openPool(t, 1)
  const bytes = someBytes(100)
  using bad = pool.begin(memoryOf(bytes), PLAN)
  using good = pool.begin(memoryOf(bytes), PLAN)
  await t.rejects(bad.pieces(join(testFolder(t), 'absent'), 16_384), { code: 'INTERNAL' })
  await good.update(0, 100)
  t.equal(hex((await good.finish()).sha256), sha256(bytes))
})

t.test('a worker that dies fails its uploads; the next ones get a new one', async (t) => {
  const workers: Worker[] = []
  const url = new URL('../../../seeder/ingest/hash-worker.ts', import.meta.url)
  const spawn = () => {
    workers.push(new Worker(url))
    return workers.at(-1) as Worker
  }
  const pool = createHashPool({ workers: 1 }, { log, spawn })
  t.teardown(() => pool.close())
  const bytes = someBytes(100)
  using doomed = pool.begin(memoryOf(bytes), PLAN)
  const waiting = doomed.finish()
  await Promise.all([workers[0]?.terminate(), t.rejects(waiting, { code: 'INTERNAL' })])
  await t.rejects(doomed.update(0, 100), { code: 'INTERNAL' })

  using next = pool.begin(memoryOf(bytes), PLAN)
  await next.update(0, 100)
  t.equal(hex((await next.finish()).sha256), sha256(bytes))
  t.equal(workers.length, 2)
})

t.test('a span outside of the memory fails the upload, not the worker', async (t) => {
  const pool = openPool(t, 1)
  using job = pool.begin(memoryOf(someBytes(100)), PLAN)
  await t.rejects(job.update(50, 101), { code: 'INTERNAL' })
  await job.update(0, 100)
})

t.test('closing fails what is under way', async (t) => {
  const pool = createHashPool({ workers: 1 }, { log })
  using job = pool.begin(memoryOf(someBytes(100)), PLAN)
  const waiting = job.update(0, 100)
  waiting.catch(() => {})
  await pool.close()
  await t.rejects(job.finish(), { code: 'INTERNAL' })
  t.throws(() => pool.begin(memoryOf(someBytes(1)), PLAN), { code: 'SHUTTING_DOWN' })
})
