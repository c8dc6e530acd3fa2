import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { threadPoolSize } from '../../../lib/process/thread-pool.ts'

const run = promisify(execFile)

/** The pool's size as a fresh process with this environment sets it. */
async function sizeIn(env: Record<string, string>): Promise<string> {
  const file = join(import.meta.dirname, '../../../lib/process/thread-pool.ts')
  const script = `await import(${JSON.stringify(file)}); console.log(process.env.UV_THREADPOOL_SIZE)`
  const { PATH = '' } = process.env
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
    env: { PATH, ...env }
  })
  return stdout.trim()
}

t.test('the pool has more threads than cores, within bounds', async (t) => {
  t.equal(threadPoolSize(1), 16)
  t.equal(threadPoolSize(8), 48)
  t.equal(threadPoolSize(256), 256)
})

t.test('importing sets the size, and leaves one that was set', async (t) => {
  t.match(await sizeIn({}), /^\d+$/)
  t.equal(await sizeIn({ UV_THREADPOOL_SIZE: '7' }), '7')
})
