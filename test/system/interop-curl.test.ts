/** curl against the gateway: resuming, ranges, and reading the refusal of an upload. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { testFolder } from '../fakes/test-folder.ts'
import { run, without } from './clients.ts'
import { PLACES, publishAt } from './fleet.ts'
import { leftovers } from './leftovers.ts'
import { eventually, noise, pathOf, sha256 } from './publish.ts'
import { mountSmall, whyNoMount } from './small-volume.ts'

const MIB = 2 ** 20

/** Ways to send the same file: asking first, not asking, and without saying how large it is. */
const WAYS = [
  { way: 'asking first', args: (file: string) => ['-T', file], stdin: false },
  { way: 'not asking', args: (file: string) => ['-H', 'Expect:', '-T', file], stdin: false },
  { way: 'of unknown length', args: () => ['-T', '-'], stdin: true }
] as const

interface Upload {
  readonly code: number | null
  readonly status: number
  readonly problem: { readonly code?: string; readonly status?: number; readonly title?: string }
  readonly stderr: string
}

/** `curl -T`: its exit code, and what it showed. */
async function upload(
  t: Test,
  url: string,
  args: readonly string[],
  input?: Buffer
): Promise<Upload> {
  const all = ['-sS', '--max-time', '40', '-w', '\n%{http_code}', ...args, url]
  const { code, stdout, stderr } = await run(t, 'curl', all, input)
  const [body = '', status] = stdout.toString().split(/\n(?=\d+$)/)
  return { code, status: Number(status), problem: parse(body), stderr }
}

function parse(body: string): Upload['problem'] {
  try {
    return JSON.parse(body)
  } catch {
    return { title: `no JSON: ${body}` }
  }
}

for (const { where, install } of PLACES) {
  t.test(`curl, ${where}`, { skip: without('curl') }, async (t) => {
    const data = testFolder(t)
    const site = await install(t, join(data, 'data'), {
      SWARMGATE_MAX_UPLOAD_BYTES: String(12 * MIB)
    })
    const bytes = noise(9 * MIB + 11, 31)
    const url = site.gateway + pathOf(await publishAt(site, 'movie.mp4', bytes))

    await t.test('-C - goes on where a download stopped', async (t) => {
      const part = join(data, 'part')
      await writeFile(part, bytes.subarray(0, 4 * MIB + 1))
      const again = await run(t, 'curl', ['-fsS', '-C', '-', '-o', part, '-v', url])
      t.equal(again.code, 0, again.stderr)
      t.match(again.stderr, /206 Partial Content/)
      t.equal(sha256(await readFile(part)), sha256(bytes))
    })

    await t.test('-r gets exactly the bytes asked for', async (t) => {
      for (const [range, start, end] of [
        ['1000000-1999999', 1_000_000, 2_000_000],
        ['0-0', 0, 1],
        [`${9 * MIB}-`, 9 * MIB, bytes.length],
        ['-500', bytes.length - 500, bytes.length]
      ] as const) {
        const { code, stdout } = await run(t, 'curl', ['-fsS', '-r', range, url])
        t.equal(code, 0)
        t.ok(stdout.equals(bytes.subarray(start, end)), range)
      }
    })

    await t.test('-T publishes under the name of the file', async (t) => {
      const file = join(data, 'Größe 1.bin')
      await writeFile(file, bytes.subarray(0, MIB))
      const done = await upload(t, `${site.gateway}/v1/files/`, ['-T', file])
      t.match(done, { code: 0, status: 201, problem: { name: 'Größe 1.bin', size: MIB } })
    })

    const large = noise(30 * MIB, 32)
    const file = join(data, 'large.bin')
    await writeFile(file, large)
    for (const { way, args, stdin } of WAYS) {
      await t.test(`-T of too large a file, ${way}, shows 413`, async (t) => {
        const url = `${site.gateway}/v1/files/large.bin`
        const refused = await upload(t, url, args(file), stdin ? large : undefined)
        t.match(refused, { code: 0, status: 413, problem: { code: 'UPLOAD_TOO_LARGE' } })
        await eventually(async () => (await leftovers(site)).length === 0 || undefined)
      })
    }
  })
}

for (const { where, install } of PLACES) {
  const skip = without('curl') || whyNoMount()
  t.test(`curl -T on a full disk, ${where}`, { skip }, async (t) => {
    const data = testFolder(t)
    const site = await install(t, mountSmall(t, 64 * MIB))
    await publishAt(site, 'fits.bin', noise(1000, 33))
    const large = noise(48 * MIB, 34)
    const file = join(data, 'large.bin')
    await writeFile(file, large)
    for (const { way, args, stdin } of WAYS) {
      await t.test(`${way}, shows 507`, async (t) => {
        const url = `${site.gateway}/v1/files/large.bin`
        const refused = await upload(t, url, args(file), stdin ? large : undefined)
        t.match(refused, { code: 0, status: 507, problem: { code: 'STORE_FULL' } })
        await eventually(async () => (await leftovers(site)).length === 0 || undefined)
      })
    }
    const small = join(data, 'small.bin')
    await writeFile(small, large.subarray(0, MIB))
    const taken = await upload(t, `${site.gateway}/v1/files/`, ['-T', small])
    t.match(taken, { code: 0, status: 201 }, 'what fits is still taken')
  })
}
