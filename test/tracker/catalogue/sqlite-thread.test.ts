import { join } from 'node:path'
import t from 'tap'
import { startSqliteThread } from '../../../tracker/catalogue/sqlite-thread.ts'
import { silentLog } from '../../fakes/silent-log.ts'
import { testFolder } from '../../fakes/test-folder.ts'

t.test('values of every kind come back as they were', async (t) => {
  const thread = start(t)
  await thread.execute('create table kinds (n bigint, t text, b blob, e text)', [])
  const bytes = Uint8Array.of(0, 255, 1)
  const values = [2 ** 52 + 1, 'größe', bytes, null]
  const inserted = await thread.execute('insert into kinds values (?, ?, ?, ?)', values)
  t.same(inserted, { ...inserted, rows: [], changes: 1 })
  const { rows } = await thread.execute('select * from kinds', [])
  t.same(rows, [{ n: 2 ** 52 + 1, t: 'größe', b: bytes, e: null }])
})

t.test('a statement that fails fails alone and says why in its cause', async (t) => {
  const thread = start(t)
  const outcomes = await Promise.allSettled([
    thread.execute('select * from nowhere', []),
    thread.execute('select 1 as one', [])
  ])
  t.match(outcomes[0], { status: 'rejected', reason: { code: 'STORE_FAILED' } })
  t.match(outcomes[0], { reason: { cause: { message: /nowhere/ } } })
  t.match(outcomes[1], { status: 'fulfilled', value: { rows: [{ one: 1 }] } })
})

t.test('a disk without room is told as such, and a rollback after it is harmless', async (t) => {
  const thread = start(t)
  await thread.execute('create table big (b blob)', [])
  await thread.execute('pragma max_page_count = 10', [])
  await thread.execute('begin immediate', [])
  const insert = thread.execute('insert into big values (zeroblob(1000000))', [])
  await t.rejects(insert, { code: 'STORE_FULL' })
  await thread.execute(null, [])
  await thread.execute(null, [])
  t.same((await thread.execute('select count(*) as n from big', [])).rows, [{ n: 0 }])
})

t.test('a folder that is not there fails every order', async (t) => {
  const thread = startSqliteThread(join(testFolder(t), 'absent', 'db'), silentLog)
  await t.rejects(thread.execute('select 1', []), { code: 'STORE_FAILED' })
  await t.rejects(thread.execute('select 1', []), { code: 'STORE_FAILED' })
  await thread.close()
})

t.test('orders given before closing are carried out, later ones fail', async (t) => {
  const thread = start(t)
  const before = thread.execute('select 1 as one', [])
  const closing = thread.close()
  const after = t.rejects(thread.execute('select 2', []), { code: 'STORE_FAILED' })
  t.match(await before, { rows: [{ one: 1 }] })
  await Promise.all([closing, after, thread.close()])
})

function start(t: { testdir(): string; teardown(close: () => unknown): void }) {
  const thread = startSqliteThread(join(testFolder(t), 'test.sqlite'), silentLog)
  t.teardown(() => thread.close())
  return thread
}
