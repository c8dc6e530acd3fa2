/**
 * The image, run for real: `npm run test:containers`.
 *
 * A tracker, two seeders and a gateway on one network; a file is published with curl, fetched, and
 * fetched again through a second, fresh gateway after the seeder that took it in was killed.
 * SWARMGATE_TEST_CONTAINER_CLI names the command that takes docker's arguments (`docker`).
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createFleet, type Fleet, until } from './fleet.ts'

const run = promisify(execFile)
const TOP = join(import.meta.dirname, '../..')
const NAME = 'film für alle.mp4'
const SIZE = 48 * 2 ** 20 + 12_345
const WITHIN_MS = 120_000
const SEEDERS = ['seeder-1', 'seeder-2']

interface Torrent {
  readonly infoHash: string
  readonly replicas: { readonly ready: number }
}

const folder = await mkdtemp(join(tmpdir(), 'swarmgate-containers-'))
const fleet = await createFleet(process.env.SWARMGATE_TEST_CONTAINER_CLI ?? 'docker')
try {
  await trial(fleet)
  step('all is well')
} finally {
  await fleet.remove()
  await rm(folder, { recursive: true })
}

async function trial(fleet: Fleet): Promise<void> {
  step('building the image')
  await fleet.build(TOP)
  step('starting tracker, seeders and gateway')
  await fleet.start('tracker', 'tracker')
  await Promise.all(
    SEEDERS.map((name) =>
      fleet.start(name, 'seeder', { SWARMGATE_SEEDER_ADVERTISE_URL: `http://${name}:8081` })
    )
  )
  await fleet.start('gateway-1', 'gateway')
  const key = await firstKey(fleet)

  step('publishing')
  const content = randomBytes(SIZE)
  const { infoHash } = await publish(fleet, key, content)
  step(`published ${infoHash}, fetching`)
  assert.equal(await digestThrough(fleet, 'gateway-1', infoHash), sha256(content))

  step('waiting for the second copy')
  await until('two replicas are ready', WITHIN_MS, async () => {
    const torrent = await show(fleet, key, infoHash)
    return torrent.replicas.ready >= 2
  })
  const victim = await ingestingSeeder(fleet)
  step(`killing ${victim}, which took the upload in`)
  await fleet.kill(victim)
  await fleet.start('gateway-2', 'gateway')
  assert.equal(await digestThrough(fleet, 'gateway-2', infoHash), sha256(content))

  step('stopping what still runs')
  assert.equal(await fleet.evaluate('gateway-2', 'console.log(process.getuid())'), '1000')
  const survivors = SEEDERS.filter((name) => name !== victim)
  for (const name of ['gateway-2', 'gateway-1', ...survivors, 'tracker']) {
    assert.equal(await fleet.stop(name), 0, `${name} ended badly`)
  }
}

function step(what: string): void {
  console.log(`${new Date().toISOString()} ${what}`)
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** The tracker shows it once, when a gateway that strangers can reach registers without a key. */
async function firstKey(fleet: Fleet): Promise<string> {
  let key: string | undefined
  await until('the tracker shows the first key', WITHIN_MS, async () => {
    key = /swarmgate_[\w-]{43}/.exec(await fleet.logs('tracker'))?.[0]
    return key !== undefined
  })
  return key as string
}

/** With curl, as a person would; again while the gateway does not know the new key yet. */
async function publish(fleet: Fleet, key: string, content: Buffer): Promise<Torrent> {
  const file = join(folder, NAME)
  await writeFile(file, content)
  const url = `${await fleet.url('gateway-1', 8080)}/v1/files/`
  const args = [
    '-sS',
    '-T',
    file,
    '-H',
    `Authorization: Bearer ${key}`,
    '-w',
    '\n%{http_code}',
    url
  ]
  let answer = { body: '', status: '' }
  await until('the upload is accepted', WITHIN_MS, async () => {
    const { stdout } = await run('curl', args)
    const end = stdout.lastIndexOf('\n')
    const status = stdout.slice(end + 1)
    answer = { body: stdout.slice(0, end), status }
    return status !== '401' && status !== '503'
  })
  assert.equal(answer.status, '201', answer.body)
  return JSON.parse(answer.body)
}

async function show(fleet: Fleet, key: string, infoHash: string): Promise<Torrent> {
  const url = `${await fleet.url('gateway-1', 8080)}/v1/torrents/${infoHash}`
  const answer = await fetch(url, { headers: { authorization: `Bearer ${key}` } })
  assert.equal(answer.status, 200, `GET ${url}`)
  return (await answer.json()) as Torrent
}

async function digestThrough(fleet: Fleet, gateway: string, infoHash: string): Promise<string> {
  const base = await fleet.url(gateway, 8080)
  const answer = await fetch(`${base}/${infoHash}/${encodeURIComponent(NAME.normalize('NFC'))}`)
  const body = Buffer.from(await answer.arrayBuffer())
  assert.equal(answer.status, 200, body.toString('utf8', 0, 500))
  return sha256(body)
}

/** By its own metrics: the one that took bytes in. */
async function ingestingSeeder(fleet: Fleet): Promise<string> {
  const script = `fetch('http://localhost:9480/metrics').then((r) => r.text()).then((text) =>
    console.log(/^swarmgate_ingest_bytes_total (\\d+)/m.exec(text)?.[1] ?? 0))`
  const bytes = await Promise.all(SEEDERS.map((name) => fleet.evaluate(name, script)))
  const index = bytes.findIndex((text) => Number(text) >= SIZE)
  assert.notEqual(index, -1, `no seeder took ${SIZE} bytes in: ${bytes}`)
  return SEEDERS[index] as string
}
