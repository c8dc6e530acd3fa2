import { appendFile, chmod, mkdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { Change } from '../../../lib/control/control.ts'
import {
  createJournal,
  type JournalRecord,
  readJournal,
  toRecords
} from '../../../lib/control/journal.ts'
import { silentLog } from '../../fakes/silent-log.ts'
import { testFolder } from '../../fakes/test-folder.ts'

const change = (n: number): Change => ({
  type: 'key',
  key: { id: String(n), hash: 'ab'.repeat(32), scopes: ['read'], revoked: false, revision: n }
})
const record = (n: number): JournalRecord => ({
  position: { epoch: 'e', revision: n },
  changes: [change(n)]
})

t.test('what was appended is read again in its order', async (t) => {
  const file = join(testFolder(t), 'journal')
  await write(file, [record(1), record(2)])
  t.same(await read(file), { intact: true, records: [record(1), record(2)] })
})

t.test('an absent or foreign file holds nothing and is written anew', async (t) => {
  const file = join(testFolder(t, { foreign: 'hello\nworld\n', empty: '' }), 'journal')
  t.same(await read(file), { intact: false, records: [] })
  for (const name of ['foreign', 'empty']) {
    t.same(await read(join(file, '..', name)), { intact: false, records: [] }, name)
  }
})

t.test('a line torn by a crash, at whatever byte, costs that line only', async (t) => {
  const file = join(testFolder(t), 'journal')
  await write(file, [record(1), record(2)])
  const whole = await readFile(file)
  const lastLine = whole.lastIndexOf('\n', whole.length - 2) + 1
  for (let size = lastLine; size < whole.length; size += 1) {
    await writeFile(file, whole.subarray(0, size))
    const { intact, records } = await read(file)
    const complete = size === whole.length - 1
    t.same(records, complete ? [record(1), record(2)] : [record(1)])
    t.equal(intact, size === lastLine, 'appending to a torn line would lose the next one')
  }
})

t.test('a journal that is not intact is written anew before anything is appended', async (t) => {
  const file = join(testFolder(t), 'journal')
  await write(file, [record(1)])
  await appendFile(file, '{"changes":[{"ty')
  const known: JournalRecord[] = []
  const intact = await readJournal(file, (one) => known.push(one))
  const journal = createJournal(file, intact, { dump: () => known, log: silentLog })
  journal.append(record(2))
  known.push(record(2))
  await journal.close()
  const { intact: whole, records } = await read(file)
  t.equal(whole, true)
  t.same(records.at(0), record(1))
  t.same(records.at(-1), record(2))
})

t.test('a journal is for its owner only, also one that others could read before', async (t) => {
  const file = join(testFolder(t), 'journal')
  const mode = async () => (await stat(file)).mode & 0o777
  await write(file, [record(1)])
  t.equal(await mode(), 0o600)
  await chmod(file, 0o644)
  await read(file)
  t.equal(await mode(), 0o600)
})

t.test('a journal that grows is compacted to what is known', async (t) => {
  const file = join(testFolder(t), 'journal')
  const journal = createJournal(file, false, { dump: () => [record(7)], log: silentLog })
  for (let n = 0; n < 3000; n += 1) journal.append(record(n))
  await journal.close()
  t.same((await read(file)).records, [record(7)])
})

t.test('a disk that refuses is survived, and made up for when it takes writes again', async (t) => {
  const folder = testFolder(t)
  const file = join(folder, 'absent', 'journal')
  const journal = createJournal(file, false, { dump: () => [record(9)], log: silentLog })
  journal.append(record(1))
  await journal.close()
  await t.rejects(stat(file))
  await mkdir(join(folder, 'absent'))
  journal.append(record(2))
  await journal.close()
  t.same((await read(file)).records, [record(9)])
})

t.test('a file that was cut to nothing in the middle is not trusted beyond', async (t) => {
  const file = join(testFolder(t), 'journal')
  await write(file, [record(1), record(2), record(3)])
  const text = await readFile(file, 'utf8')
  await truncate(file)
  await writeFile(file, text.replace('"revision":2', '"revision":'))
  t.same(await read(file), { intact: false, records: [record(1)] })
})

t.test(
  'a line in the middle that is JSON and not a step of ours ends what is believed',
  async (t) => {
    const file = join(testFolder(t), 'journal')
    for (const bad of [
      'null',
      '[]',
      '{}',
      '{"changes":{}}',
      '{"changes":[],"position":null}',
      '{"changes":[],"position":{"epoch":1,"revision":2}}',
      '{"changes":[],"position":{"epoch":"e","revision":1.5}}'
    ]) {
      await write(file, [record(1), record(2), record(3)])
      const lines = (await readFile(file, 'utf8')).split('\n')
      lines[2] = bad
      await writeFile(file, lines.join('\n'))
      t.same(await read(file), { intact: false, records: [record(1)] }, bad)
    }
  }
)

t.test('a change that the reader cannot take ends what is believed', async (t) => {
  const file = join(testFolder(t), 'journal')
  await write(file, [record(1), record(2), record(3)])
  const taken: JournalRecord[] = []
  const intact = await readJournal(file, (one) => {
    if (one.position?.revision === 2) throw new TypeError('as the test wants it')
    taken.push(one)
  })
  t.same({ intact, taken }, { intact: false, taken: [record(1)] })
})

t.test('many changes are cut into lines; the position stands in the last', async (t) => {
  const changes = Array.from({ length: 600 }, (_, n) => change(n))
  const position = { epoch: 'e', revision: 600 }
  const records = [...toRecords(changes, position)]
  t.same(
    records.flatMap((one) => one.changes),
    changes
  )
  t.same(
    records.map((one) => one.position),
    [undefined, undefined, position]
  )
  t.same([...toRecords([], undefined)], [{ changes: [] }])
})

async function write(file: string, records: readonly JournalRecord[]): Promise<void> {
  const journal = createJournal(file, false, { dump: () => records, log: silentLog })
  await journal.close()
}

async function read(file: string) {
  const records: JournalRecord[] = []
  const intact = await readJournal(file, (one) => records.push(one))
  return { intact, records }
}
