import { execFile, spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { expectedInfoHash, openRig, sha256, someBytes } from '../rig.ts'

const run = promisify(execFile)
const missing = spawnSync('curl', ['--version']).error !== undefined
const skip = missing ? 'curl is not installed' : false

/** Runs curl; resolves with the status and the body of the last answer. */
async function curl(args: readonly string[], input?: Buffer) {
  const running = run('curl', ['-sS', '-w', '\n%{http_code}', ...args])
  running.child.stdin?.on('error', () => {})
  running.child.stdin?.end(input)
  const { stdout } = await running
  const at = stdout.lastIndexOf('\n')
  return { status: Number(stdout.slice(at + 1)), body: stdout.slice(0, at) }
}

t.test('curl -T FILE publishes it under its own name', { skip }, async (t) => {
  const { url, folder } = await openRig(t)
  const path = join(folder, 'a film.mp4')
  const bytes = someBytes(2_000_000)
  await writeFile(path, bytes)
  const { status, body } = await curl(['-T', path, `${url}/v1/files/`])
  t.equal(status, 201)
  t.match(JSON.parse(body), {
    name: 'a film.mp4',
    infoHash: expectedInfoHash('a film.mp4', bytes),
    files: [{ sha256: sha256(bytes) }]
  })
})

t.test('curl -T - publishes what it is fed', { skip }, async (t) => {
  const { url } = await openRig(t)
  const bytes = someBytes(1_500_000)
  const { status, body } = await curl(['-T', '-', `${url}/v1/files/fed`], bytes)
  t.equal(status, 201)
  t.equal(JSON.parse(body).infoHash, expectedInfoHash('fed', bytes))
})

t.test('curl shows why an upload is refused, whenever that happens', { skip }, async (t) => {
  const { url, folder } = await openRig(t, {
    maxUploadBytes: 3_000_000,
    freeBytes: async () => 2 ** 25
  })
  const path = join(folder, 'large')
  await writeFile(path, someBytes(8_000_000))
  for (const headers of [[], ['-H', 'Expect:']]) {
    const { status, body } = await curl([...headers, '-T', path, `${url}/v1/files/`])
    t.equal(status, 413)
    t.match(JSON.parse(body), { code: 'UPLOAD_TOO_LARGE' })
  }
  await writeFile(path, someBytes(2_000_000))
  const { status, body } = await curl(['-T', path, `${url}/v1/files/`])
  t.equal(status, 507)
  t.match(JSON.parse(body), { code: 'STORE_FULL' })
})

t.test('curl shows the refusal of a chunked upload in the middle', { skip }, async (t) => {
  const { url } = await openRig(t, { maxUploadBytes: 1_000_000 })
  const { status, body } = await curl(['-T', '-', `${url}/v1/files/fed`], someBytes(4_000_000))
  t.equal(status, 413)
  t.match(JSON.parse(body), { code: 'UPLOAD_TOO_LARGE' })
})
