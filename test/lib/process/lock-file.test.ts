import { fork } from 'node:child_process'
import { once } from 'node:events'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { lockFolder } from '../../../lib/process/lock-file.ts'
import { testFolder } from '../../fakes/test-folder.ts'

/** A process that locks `folder`, says whether it got it, and waits to be killed. */
async function otherProcess(t: Test, folder: string) {
  const child = fork(join(import.meta.dirname, 'lock-holder.ts'), [folder], { execArgv: [] })
  const exited = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await exited
  })
  const [message] = await once(child, 'message')
  return { message, child, exited }
}

t.test('a second lock of a folder is refused until the first is closed', async (t) => {
  const folder = testFolder(t)
  const lock = await lockFolder(folder)
  await t.rejects(lockFolder(folder), {
    message: `the data folder ${folder} is in use by another process`
  })
  await lock.close()
  await lock.close()
  const again = await lockFolder(folder)
  await again.close()
})

t.test('a missing folder is made', async (t) => {
  const folder = join(testFolder(t), 'a', 'b')
  const lock = await lockFolder(folder)
  await access(folder)
  await lock.close()
})

t.test('two folders have nothing to do with each other', async (t) => {
  const [a, b] = [join(testFolder(t), 'a'), join(testFolder(t), 'b')]
  const locks = await Promise.all([lockFolder(a), lockFolder(b)])
  await Promise.all(locks.map((lock) => lock.close()))
})

t.test('a folder that cannot be locked is an error that names it', async (t) => {
  const folder = testFolder(t, { lock: {} })
  const message = new RegExp(`${folder} cannot be locked`)
  await t.rejects(lockFolder(folder), { message })
})

t.test('another process is kept out, and its lock is gone when it is killed', async (t) => {
  const folder = testFolder(t)
  const { message, child, exited } = await otherProcess(t, folder)
  t.equal(message, 'locked')
  await t.rejects(lockFolder(folder), /in use by another process/)
  child.kill('SIGKILL')
  await exited
  const lock = await lockFolder(folder)
  t.teardown(() => lock.close())
  const second = await otherProcess(t, folder)
  t.match(second.message, /in use by another process/)
})
