import { once } from 'node:events'
import { rename, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { type InfoHash, parseInfoHash } from '../../../core/info-hash.ts'
import { EMPTY_DENYLIST, openDenylist } from '../../../gateway/access/denylist.ts'
import { testFolder } from '../../fakes/test-folder.ts'

const A = parseInfoHash('aa'.repeat(20)) as InfoHash
const B = parseInfoHash('bb'.repeat(20)) as InfoHash

interface Line {
  readonly msg: string
  readonly line?: number
}

async function open(t: Test, text: string) {
  const file = join(testFolder(t, { list: text }), 'list')
  const lines: Line[] = []
  const waiting = new Set<() => void>()
  const log = pino({}, { write: (text: string) => take(JSON.parse(text)) })
  function take(line: Line): void {
    lines.push(line)
    for (const wake of waiting) wake()
  }
  /** Resolves once a line with this message has been logged `times`. */
  async function logged(msg: string, times = 1): Promise<void> {
    while (lines.filter((line) => line.msg === msg).length < times) {
      await new Promise<void>((resolve) => waiting.add(resolve))
    }
  }
  const denylist = await openDenylist(file, { log, lookMs: 5 })
  t.teardown(() => denylist.close())
  const changed = () =>
    new Promise<void>((resolve) => {
      const stop = denylist.onChange(() => {
        stop()
        resolve()
      })
    })
  return { file, lines, logged, denylist, changed }
}

t.test('a list is in force when it is open', async (t) => {
  const { denylist } = await open(t, `${A} 451\n${B}/name/x\n`)
  t.equal(denylist.verdict(A), 451)
  t.throws(() => denylist.check(A), { code: 'CONTENT_DENIED_LEGAL', status: 451 })
  t.throws(() => denylist.check(B, ['name', 'x']), { code: 'CONTENT_DENIED', status: 410 })
  denylist.check(B, ['name', 'y'])
  denylist.check(B)
})

t.test('a list that cannot be read stops the start', async (t) => {
  const folder = testFolder(t, { list: '' })
  const deps = { log: pino({ level: 'silent' }) }
  await t.rejects(openDenylist(join(folder, 'none'), deps), { message: /none cannot be read/ })
  await t.rejects(openDenylist(folder, deps), { message: /cannot be read/ })
  await truncate(join(folder, 'list'), 65 * 2 ** 20)
  await t.rejects(openDenylist(join(folder, 'list'), deps), { message: /larger than/ })
})

t.test('a broken line is logged with its number and costs only itself', async (t) => {
  const { denylist, lines } = await open(t, `${A}\nnonsense\n# fine\n${B}`)
  t.match(
    lines.filter(({ msg }) => msg === 'broken line of a denylist'),
    [{ line: 2 }]
  )
  t.equal(denylist.verdict(A), 410)
  t.equal(denylist.verdict(B), 410)
})

t.test('a list full of broken lines does not fill the log', async (t) => {
  const { lines } = await open(t, 'nonsense\n'.repeat(500))
  t.equal(lines.filter(({ msg }) => msg === 'broken line of a denylist').length, 20)
  t.match(lines.at(-1), { msg: 'read the denylist', broken: 500 })
})

t.test('a change is seen, in place and by rename', async (t) => {
  const { file, denylist, changed } = await open(t, `${A}\n`)
  const first = changed()
  await writeFile(file, `${A}\n${B}\n`)
  await first
  t.equal(denylist.verdict(B), 410)
  const second = changed()
  await writeFile(`${file}.new`, `${B}\n`)
  await rename(`${file}.new`, file)
  await second
  t.equal(denylist.verdict(A), undefined)
  t.equal(denylist.verdict(B), 410)
})

t.test('a file that goes leaves the last list, said once, and may come back', async (t) => {
  const { file, denylist, changed, logged, lines } = await open(t, `${A}\n`)
  const trouble = 'the denylist cannot be read: the last one stays'
  await rm(file)
  await logged(trouble)
  t.equal(denylist.verdict(A), 410)
  const back = changed()
  await writeFile(`${file}.new`, `${B}\n`)
  await rename(`${file}.new`, file)
  await back
  t.equal(denylist.verdict(A), undefined)
  t.equal(denylist.verdict(B), 410)
  t.equal(lines.filter(({ msg }) => msg === trouble).length, 1)
})

t.test('a list that grew too large leaves the last one', async (t) => {
  const { file, denylist, logged } = await open(t, `${A}\n`)
  await truncate(file, 65 * 2 ** 20)
  await logged('the denylist cannot be read: the last one stays')
  t.equal(denylist.verdict(A), 410)
})

t.test('a running response hears that it was denied, its neighbour goes on', async (t) => {
  const { file, denylist } = await open(t, '')
  using denied = denylist.watch(A, ['name', 'x'])
  using other = denylist.watch(A, ['name', 'y'])
  using ended = denylist.watch(A, ['name', 'x'])
  ended[Symbol.dispose]()
  const aborted = once(denied.signal, 'abort')
  await writeFile(file, `${A}/name/x 451\n`)
  await aborted
  t.match(denied.signal.reason, { code: 'CONTENT_DENIED_LEGAL' })
  t.notOk(other.signal.aborted)
  t.notOk(ended.signal.aborted, 'one that ended is not told')
  using late = denylist.watch(A, ['name', 'x', 'below'])
  t.ok(late.signal.aborted, 'one that begins afterwards is denied from the start')
})

t.test('without a list nothing is denied', async (t) => {
  EMPTY_DENYLIST.check(A)
  t.equal(EMPTY_DENYLIST.verdict(A), undefined)
  using watch = EMPTY_DENYLIST.watch(A)
  t.notOk(watch.signal.aborted)
  await EMPTY_DENYLIST.close()
})
