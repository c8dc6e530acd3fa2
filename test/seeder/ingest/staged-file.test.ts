import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createDiskJobs } from '../../../lib/store/disk-jobs.ts'
import { createStagedFile } from '../../../seeder/ingest/staged-file.ts'
import { testFolder } from '../../fakes/test-folder.ts'
import { someBytes } from '../rig.ts'

const never = new AbortController().signal

/** Disk jobs of which the `failing`-th, counted from 1, fails. */
function failingDisk(failing: number, code: string) {
  const disk = createDiskJobs()
  let count = 0
  const run: typeof disk.run = (purpose, signal, job) => {
    if (++count !== failing) return disk.run(purpose, signal, job)
    return Promise.reject(Object.assign(new Error(code), { code }))
  }
  return { run }
}

t.test('bytes land in the order of the calls', async (t) => {
  const path = join(testFolder(t), 'file')
  const file = await createStagedFile(path, createDiskJobs(), never)
  const parts = [1, 2, 3, 4].map((seed) => someBytes(10_000 * seed, seed))
  await Promise.all(parts.map((part) => file.append(part)))
  await file.settled()
  await file.close()
  t.ok((await readFile(path)).equals(Buffer.concat(parts)))
})

t.test('a full disk is STORE_FULL, and so is whatever comes after', async (t) => {
  const file = await createStagedFile(join(testFolder(t), 'file'), failingDisk(2, 'ENOSPC'), never)
  await file.append(someBytes(10))
  await t.rejects(file.append(someBytes(10)), { code: 'STORE_FULL' })
  await t.rejects(file.append(someBytes(10)), { code: 'STORE_FULL' })
  await t.rejects(file.settled(), { code: 'STORE_FULL' })
  await file.close()
})

t.test('a sync in the background that fails is not forgotten', async (t) => {
  const file = await createStagedFile(join(testFolder(t), 'file'), failingDisk(2, 'EIO'), never)
  await file.append(Buffer.alloc(64 * 2 ** 20))
  await file.append(someBytes(10))
  await t.rejects(file.settled(), { code: 'STORE_FAILED' })
  await file.close()
})

t.test('a file that is there is not written to', async (t) => {
  const path = join(testFolder(t), 'file')
  await writeFile(path, 'mine')
  await t.rejects(createStagedFile(path, createDiskJobs(), never), { code: 'STORE_FAILED' })
  t.equal(await readFile(path, 'utf8'), 'mine')
})
