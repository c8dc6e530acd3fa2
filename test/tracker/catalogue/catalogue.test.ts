import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { createCatalogue } from '../../../tracker/catalogue/catalogue.ts'
import { openSqlite } from '../../../tracker/catalogue/open-sqlite.ts'
import { silentLog } from '../../fakes/silent-log.ts'
import { testFolder } from '../../fakes/test-folder.ts'
import { nodeId, seeder, torrentOf } from '../torrents.ts'

const ALICE = nodeId(1)

t.test('a database that was opened before keeps its epoch and all that is in it', async (t) => {
  const folder = testFolder(t)
  const first = await open(t, folder)
  await commit(first, 'a')
  const before = await first.snapshot(undefined, 100)
  await first.close()
  const again = await open(t, folder)
  t.same(await again.snapshot(undefined, 100), before)
  const { draft, info } = torrentOf('a')
  t.same(Buffer.from((await again.metainfo(draft.infoHash)) ?? []), info)
})

t.test('two new databases have different epochs', async (t) => {
  const folder = testFolder(t, { one: {}, two: {} })
  const one = await open(t, join(folder, 'one'))
  const two = await open(t, join(folder, 'two'))
  const epochs = [await one.snapshot(undefined, 1), await two.snapshot(undefined, 1)]
  t.not(epochs[0]?.position.epoch, epochs[1]?.position.epoch)
})

t.test('what is acknowledged is synced: write-ahead log, full', async (t) => {
  const folder = testFolder(t)
  const db = await openSqlite(folder, silentLog)
  t.teardown(() => db.destroy())
  const pragma = async (name: string) => {
    const { rows } = await db.executeQuery<Record<string, unknown>>({
      ...db.selectFrom('counter').select('id').compile(),
      sql: `pragma ${name}`
    })
    return rows[0]
  }
  t.same(await pragma('journal_mode'), { journal_mode: 'wal' })
  t.same(await pragma('synchronous'), { synchronous: 2 })
})

t.test('a database of a newer program is refused', async (t) => {
  const folder = testFolder(t)
  const catalogue = await open(t, folder)
  await catalogue.close()
  const file = new DatabaseSync(join(folder, 'catalogue.sqlite'))
  file.exec(`insert into kysely_migration (name, timestamp) values ('9999-future', '2099')`)
  file.close()
  await t.rejects(openSqlite(folder, silentLog), { message: /brought up to date/ })
})

t.test('a file that is no database is refused and left alone', async (t) => {
  const folder = testFolder(t, { 'catalogue.sqlite': 'my diary, '.repeat(1000) })
  await t.rejects(openSqlite(folder, silentLog))
})

t.test('a change that fails halfway leaves nothing and disturbs nobody', async (t) => {
  const folder = testFolder(t)
  const catalogue = await open(t, folder)
  await commit(catalogue, 'a')
  const before = await catalogue.snapshot(undefined, 100)
  const { draft, info } = torrentOf('b')
  const nobody: unknown = null
  const request = { draft, info, nodeId: nobody as string, keepTombstone: false, createdAt: 1 }
  await t.rejects(catalogue.commit(request), { code: 'STORE_FAILED' }, 'the holding is refused')
  t.equal(await catalogue.lookup(draft.infoHash), undefined)
  t.same(await catalogue.snapshot(undefined, 100), before)
  await commit(catalogue, 'b')
  t.match(await catalogue.lookup(draft.infoHash), { name: 'b' })
})

t.test(
  'listeners hear of a change after it is durable, in order, and only of changes',
  async (t) => {
    const catalogue = await open(t, testFolder(t))
    const heard: string[] = []
    catalogue.onChange(() => {
      throw new Error('mine')
    })
    const stop = catalogue.onChange((changes) => {
      heard.push(...changes.map(({ type }) => type))
    })
    await catalogue.register(seeder(1), 1)
    await commit(catalogue, 'a')
    await commit(catalogue, 'a')
    await catalogue.unpublish(torrentOf('a').draft.infoHash)
    stop()
    await commit(catalogue, 'b')
    t.same(heard, ['node', 'entry', 'holding', 'entry'])
  }
)

t.test('the totals count copies on live seeders, no more than are wanted', async (t) => {
  const catalogue = await open(t, testFolder(t))
  t.same(await catalogue.totals(), totals(0, 0, 0, 0))
  await commit(catalogue, 'a')
  t.same(await catalogue.totals(), totals(1, 0, 0, 0), 'nobody is there')
  await catalogue.register(seeder(1), 100)
  t.same(await catalogue.totals(), totals(1, 0, 1, 1), 'one seeder can hold one copy')
  await catalogue.register(seeder(2), 200)
  await catalogue.register(seeder(3), 200)
  t.same(await catalogue.totals(), totals(1, 0, 2, 1))
  const { infoHash } = torrentOf('a').draft
  const report = { replace: false, held: [infoHash], dropped: [] }
  await catalogue.report(nodeId(2), report)
  await catalogue.report(nodeId(3), report)
  await commit(catalogue, 'empty', 0)
  t.same(await catalogue.totals(), totals(2, 0, 2, 2), 'a third copy is not counted')
  await catalogue.expire(150)
  await catalogue.heartbeat(nodeId(2), { freeBytes: 1, draining: true }, 200)
  t.same(await catalogue.totals(), totals(2, 0, 1, 1))
  await catalogue.unpublish(infoHash)
  t.same(await catalogue.totals(), totals(1, 1, 0, 0))
})

t.test(
  'nodes long dead are forgotten with what they held; live and lately dead ones stay',
  async (t) => {
    const catalogue = await open(t, testFolder(t))
    await catalogue.register(seeder(1), 100)
    await catalogue.register(seeder(2), 200)
    await catalogue.register(seeder(3), 100_000)
    await commit(catalogue, 'a')
    await catalogue.expire(1000)
    await catalogue.forgetNodes(150)
    const { changes } = await catalogue.snapshot(undefined, 100)
    const nodes = changes.flatMap((change) => (change.type === 'node' ? [change.node.id] : []))
    t.same(nodes.toSorted(), [nodeId(2), nodeId(3)])
    t.same(
      changes.filter(({ type }) => type === 'holding'),
      []
    )
    const again = await catalogue.heartbeat(nodeId(1), { freeBytes: 1, draining: false }, 200_000)
    t.equal(again, false, 'it must register again')
  }
)

t.test('a closed catalogue fails instead of waiting', async (t) => {
  const catalogue = await open(t, testFolder(t))
  await catalogue.close()
  await catalogue.close()
  await t.rejects(catalogue.lookup(torrentOf('a').draft.infoHash))
})

t.test('two programs that write one database wait for each other', async (t) => {
  const folder = testFolder(t)
  const catalogue = await open(t, folder)
  const file = join(folder, 'catalogue.sqlite')
  const other = new Worker(
    `const { DatabaseSync } = require('node:sqlite')
     const { parentPort, workerData } = require('node:worker_threads')
     const db = new DatabaseSync(workerData)
     db.exec('begin immediate')
     parentPort.postMessage('locked')
     parentPort.once('message', () => { db.exec('commit'); db.close(); parentPort.close() })`,
    { eval: true, workerData: file }
  )
  t.teardown(() => other.terminate())
  await new Promise((resolve) => other.once('message', resolve))
  const committed = commit(catalogue, 'a')
  other.postMessage('release')
  await committed
  t.match(await catalogue.lookup(torrentOf('a').draft.infoHash), { name: 'a' })
})

async function open(t: Test, folder: string) {
  const db = await openSqlite(folder, silentLog)
  const catalogue = createCatalogue({ replicas: 2 }, { db, log: silentLog })
  t.teardown(() => catalogue.close())
  return catalogue
}

async function commit(
  catalogue: Awaited<ReturnType<typeof open>>,
  name: string,
  size = 1000
): Promise<void> {
  const { draft, info } = torrentOf(name, { size })
  await catalogue.commit({ draft, info, nodeId: ALICE, keepTombstone: false, createdAt: 1 })
}

function totals(published: number, unpublished: number, wanted: number, ready: number) {
  return { published, unpublished, copiesWanted: wanted, copiesReady: ready }
}
