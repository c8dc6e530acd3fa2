/** `kill -9` in the middle of uploads, again and again: what was acknowledged is there. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { testFolder } from '../fakes/test-folder.ts'
import { start } from './process.ts'
import { fetchBytes, noise, pathOf, publish } from './publish.ts'

/** CRASH_ROUNDS=50 is what a release is tried with. */
const ROUNDS = Number(process.env.CRASH_ROUNDS ?? 5)
const UPLOADS = 4
const CHECKED = 40
const SIZES = [1, 40_000, 700_000, 5_000_000]

t.setTimeout(600_000 + ROUNDS * 60_000)

interface Upload {
  readonly name: string
  readonly bytes: Buffer
  /** What the answer said; undefined when there was none. */
  infoHash?: string
}

t.test('kill -9 during uploads loses nothing that was acknowledged', async (t) => {
  const data = testFolder(t)
  const uploads: Upload[] = []
  let acknowledged = 0
  let onAnswer: () => void = () => {}

  async function uploadUntilKilled(gateway: string): Promise<void> {
    for (;;) {
      const number = uploads.length
      const bytes = noise(SIZES[number % SIZES.length] ?? 1, 100 + number)
      const upload: Upload = { name: `file-${number}.bin`, bytes }
      uploads.push(upload)
      const answer = await publish(gateway, upload.name, bytes).catch(() => undefined)
      if (answer === undefined) return
      upload.infoHash = answer.infoHash
      acknowledged++
      onAnswer()
    }
  }

  /** Resolves at the answer of that number: the other uploads are then in the middle. */
  function answers(count: number): Promise<void> {
    return new Promise((resolve) => {
      onAnswer = () => {
        if (acknowledged >= count) resolve()
      }
    })
  }

  for (let round = 0; round <= ROUNDS; round++) {
    const running = await start(t, { SWARMGATE_DATA_DIR: data })
    const gateway = running.addresses.gateway ?? ''
    t.same(await readdir(join(data, 'seeder', 'staging')), [], 'no upload is left half done')
    // All of them at the end; before, those that a kill may have hurt.
    const checked = round === ROUNDS ? uploads : uploads.slice(-CHECKED)
    for (const { name, bytes, infoHash } of checked) {
      if (infoHash === undefined) continue
      const { bytes: got } = await fetchBytes(gateway + pathOf({ infoHash, name }))
      if (!got.equals(bytes))
        t.fail(`${name} was acknowledged in an earlier round and is not there`)
    }
    if (round === ROUNDS) break
    const work = Array.from({ length: UPLOADS }, () => uploadUntilKilled(gateway))
    await answers(acknowledged + 3 + 2 * Math.min(round, 10))
    await running.stop('SIGKILL')
    await Promise.all(work)
  }
  t.ok(
    uploads.some(({ infoHash }) => infoHash !== undefined),
    'some were acknowledged'
  )
  t.ok(
    uploads.some(({ infoHash }) => infoHash === undefined),
    'some were cut'
  )
})
