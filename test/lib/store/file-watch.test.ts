import { renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createDiskJobs } from '../../../lib/store/disk-jobs.ts'
import { startFileWatch } from '../../../lib/store/file-watch.ts'
import { recordOf } from '../../../lib/store/ledger-keeper.ts'
import { silentLog as log } from '../../fakes/silent-log.ts'
import { testFolder } from '../../fakes/test-folder.ts'

/** Three files that are watched, and a way to wait until all of them have been looked at. */
async function setup(t: Test, filesPerRound = 200) {
  const folder = testFolder(t)
  const paths = [0, 1, 2].map((file) => join(folder, String(file)))
  for (const path of paths) writeFileSync(path, 'as it should be')
  const records = await Promise.all(paths.map(recordOf))
  const changed: number[] = []
  let looks = 0
  let waiting: { readonly until: number; readonly resolve: () => void } | undefined
  const jobs = createDiskJobs()
  const counting: typeof jobs = {
    async run(purpose, signal, job) {
      const outcome = await jobs.run(purpose, signal, job)
      looks++
      if (waiting !== undefined && looks >= waiting.until) waiting.resolve()
      return outcome
    }
  }
  const watch = startFileWatch({ everyMs: 1, filesPerRound }, { jobs: counting, log })
  t.teardown(() => watch.close())
  /** The files that nobody may look at now. */
  const written = new Set<number>()
  watch.add({
    fileCount: 3,
    pathOf: (file) => paths[file] as string,
    expected: (file) => (written.has(file) ? undefined : records[file]),
    onChanged: (file) => void changed.push(file)
  })
  /** Every file has been looked at once more from its beginning. */
  const lookedAtAll = () =>
    new Promise<void>((resolve) => {
      waiting = { until: looks + 5, resolve }
    })
  return { paths, changed, lookedAtAll, written }
}

t.test('files that stay as they are are no news', async (t) => {
  const { changed, lookedAtAll } = await setup(t, 1)
  await lookedAtAll()
  t.same(changed, [])
})

t.test('a file that was written to, replaced or deleted is told once', async (t) => {
  const { paths, changed, lookedAtAll } = await setup(t)
  const [touched, replaced, deleted] = paths as [string, string, string]
  utimesSync(touched, 1, 1)
  writeFileSync(`${replaced}.new`, 'as it should be')
  renameSync(`${replaced}.new`, replaced)
  rmSync(deleted)
  await lookedAtAll()
  await lookedAtAll()
  t.same(changed.sort(), [0, 1, 2])
})

t.test('a second change is told as well', async (t) => {
  const { paths, changed, lookedAtAll } = await setup(t)
  utimesSync(paths[1] as string, 1, 1)
  await lookedAtAll()
  utimesSync(paths[1] as string, 2, 2)
  await lookedAtAll()
  t.same(changed, [1, 1])
})

t.test('what is being written to is not watched', async (t) => {
  const { paths, changed, lookedAtAll, written } = await setup(t)
  written.add(1)
  utimesSync(paths[1] as string, 1, 1)
  await lookedAtAll()
  t.same(changed, [], 'the others were looked at, this one was not')
})
