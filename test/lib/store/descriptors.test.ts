import { readFileSync, readlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createDescriptors } from '../../../lib/store/descriptors.ts'
import { testFolder } from '../../fakes/test-folder.ts'

function pool(t: Test, max: number, names: readonly string[]) {
  const folder = testFolder(t, Object.fromEntries(names.map((name) => [name, `in ${name}`])))
  const descriptors = createDescriptors({ max })
  t.teardown(() => descriptors.close())
  return { descriptors, path: (name: string) => join(folder, name) }
}

/** A use that stays until `end` is called. */
function heldUse(use: (fn: () => Promise<void>) => Promise<void>) {
  const started = Promise.withResolvers<void>()
  const ending = Promise.withResolvers<void>()
  const done = use(async () => {
    started.resolve()
    await ending.promise
  })
  return { started: started.promise, end: ending.resolve, done }
}

/** How many descriptors of this process are open below `folder`, where the system tells. */
async function openBelow(folder: string): Promise<number> {
  let count = 0
  for (const fd of await readdir('/proc/self/fd').catch(() => [])) {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder)) count++
    } catch {}
  }
  return count
}

t.test('uses of one file share one descriptor', async (t) => {
  const { descriptors, path } = pool(t, 4, ['a'])
  const fds = await Promise.all(
    [1, 2, 3].map(() => descriptors.use(path('a'), 'r', async (handle) => handle.fd))
  )
  t.equal(new Set(fds).size, 1)
})

t.test('no more than the limit is open, and the next waits for its turn', async (t) => {
  const { descriptors, path } = pool(t, 2, ['a', 'b', 'c'])
  const holds = ['a', 'b'].map((name) =>
    heldUse((fn) => descriptors.use(path(name), 'r', () => fn()))
  )
  await Promise.all(holds.map(({ started }) => started))
  let reached = false
  const third = descriptors.use(path('c'), 'r', async () => {
    reached = true
  })
  await descriptors.use(path('a'), 'r', async () => {})
  t.equal(reached, false, 'both are in use')
  holds[0]?.end()
  await third
  t.equal(reached, true)
  holds[1]?.end()
})

t.test('the file idle for longest is closed first', async (t) => {
  const { descriptors, path } = pool(t, 2, ['a', 'b', 'c'])
  const use = (name: string) => descriptors.use(path(name), 'r', async (handle) => handle)
  const a = await use('a')
  const b = await use('b')
  await use('a')
  await use('c')
  t.equal(a.fd >= 0, true, 'used since')
  t.equal(b.fd, -1, 'closed')
})

t.test('a file that cannot be opened leaves its place to others', async (t) => {
  const { descriptors, path } = pool(t, 1, ['a'])
  for (let i = 0; i < 3; i++) {
    await t.rejects(
      descriptors.use(path('missing'), 'r', async () => {}),
      { code: 'ENOENT' }
    )
  }
  t.equal(await descriptors.use(path('a'), 'r', async () => 'fine'), 'fine')
})

t.test('create makes a file and keeps what is in one', async (t) => {
  const { descriptors, path } = pool(t, 2, ['a'])
  await descriptors.use(path('a'), 'create', async (handle) => void (await handle.write('IN')))
  await descriptors.use(path('new'), 'create', async (handle) => void (await handle.write('made')))
  t.equal(readFileSync(path('a'), 'utf8'), 'IN a')
  t.equal(readFileSync(path('new'), 'utf8'), 'made')
})

t.test('a reader is not spoilt by a writer that may not open the file', async (t) => {
  const { descriptors, path } = pool(t, 4, ['a'])
  const folder = path('.')
  const writing = t.rejects(
    descriptors.use(folder, 'r+', async () => {}),
    { code: 'EISDIR' }
  )
  t.equal(await descriptors.use(folder, 'r', async () => 'opened'), 'opened')
  await writing
})

t.test('forget closes what is open below a path, once nobody uses it', async (t) => {
  const { descriptors, path } = pool(t, 4, ['a', 'b'])
  const folder = path('.').replace(/\/\.$/, '')
  const hold = heldUse((fn) => descriptors.use(path('a'), 'r', () => fn()))
  await hold.started
  await descriptors.use(path('b'), 'r', async () => {})
  let forgotten = false
  const forgetting = descriptors.forget(folder).then(() => {
    forgotten = true
  })
  await descriptors.use(path('b'), 'r', async () => {})
  t.equal(forgotten, false)
  hold.end()
  await forgetting
  await descriptors.forget(path('b'))
  t.equal(await openBelow(folder), 0)
})

t.test('after forget the name means the file that has it now', async (t) => {
  const { descriptors, path } = pool(t, 4, ['a'])
  const read = () =>
    descriptors.use(path('a'), 'r', async (handle) => {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(16), 0, 16, 0)
      return buffer.toString('utf8', 0, bytesRead)
    })
  t.equal(await read(), 'in a')
  unlinkSync(path('a'))
  writeFileSync(path('a'), 'another')
  await descriptors.forget(path('a'))
  t.equal(await read(), 'another')
})

t.test('a closed pool waits for its users and refuses new ones', async (t) => {
  const { descriptors, path } = pool(t, 4, ['a'])
  const hold = heldUse((fn) => descriptors.use(path('a'), 'r', () => fn()))
  await hold.started
  const closing = descriptors.close()
  await t.rejects(
    descriptors.use(path('a'), 'r', async () => {}),
    { code: 'SHUTTING_DOWN' }
  )
  hold.end()
  await hold.done
  await closing
  await descriptors.close()
  t.equal(await openBelow(path('.').replace(/\/\.$/, '')), 0)
})
