/** A gateway in mode `open`: content that nobody published on it comes from strangers. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { testFolder } from '../fakes/test-folder.ts'
import { pythonWith } from './clients.ts'
import { type Installation, together } from './fleet.ts'
import { type Addresses, start } from './process.ts'
import {
  eventually,
  fetchBytes,
  noise,
  type Published,
  pathOf,
  publish,
  sha256
} from './publish.ts'

const SIZE = 3 * 2 ** 20 + 7
const NAME = 'movie.mp4'
const SEED_SCRIPT = new URL('libtorrent-seed.py', import.meta.url).pathname
const python = pythonWith('libtorrent')
const skip = python === undefined && 'no python3 with libtorrent (python3-libtorrent)'

/** Another installation, whose tracker takes any torrent. */
function elsewhere(t: Test, folder: string) {
  return together(t, join(folder, 'elsewhere'), { SWARMGATE_SWARM_ACCESS: 'any' })
}

/** Resolves once the tracker there names the seeder: who asks before is told of nobody. */
async function publishThere(site: Installation, bytes: Buffer): Promise<Published> {
  const published = await publish(site.gateway, NAME, bytes)
  const escaped = published.infoHash.replace(/../g, (digits) => `%${digits}`)
  await eventually(async () => {
    const { bytes: answer } = await fetchBytes(`${site.tracker}/scrape?info_hash=${escaped}`)
    return answer.includes('8:completei1e') || undefined
  })
  return published
}

async function openGateway(t: Test, folder: string, settings: Record<string, string>) {
  const { addresses } = await start(t, {
    SWARMGATE_GATEWAY_MODE: 'open',
    SWARMGATE_DATA_DIR: join(folder, 'open'),
    ...settings
  })
  return gatewayOf(addresses)
}

function gatewayOf({ gateway }: Addresses): string {
  if (gateway === undefined) throw new Error('the process has no gateway')
  return gateway
}

async function answersByteForByte(t: Test, url: string, bytes: Buffer): Promise<void> {
  const spans: [number, number][] = [
    [SIZE - 1, SIZE],
    [1_000_000, 1_500_000],
    [0, 2]
  ]
  for (const [start, end] of spans) {
    const { response, bytes: got } = await fetchBytes(url, { range: `bytes=${start}-${end - 1}` })
    t.equal(response.status, 206)
    t.equal(response.headers.get('content-range'), `bytes ${start}-${end - 1}/${SIZE}`)
    t.ok(got.equals(bytes.subarray(start, end)), `bytes ${start} to ${end}`)
  }
  const whole = await fetchBytes(url)
  t.equal(whole.response.status, 200)
  t.equal(sha256(whole.bytes), sha256(bytes))
}

t.test('what a stranger seeds is had by its infohash through a tracker', async (t) => {
  const folder = testFolder(t)
  const site = await elsewhere(t, folder)
  const bytes = noise(SIZE, 41)
  const published = await publishThere(site, bytes)
  const gateway = await openGateway(t, folder, {
    SWARMGATE_TRACKER_ANNOUNCE_URLS: `${site.tracker}/announce`
  })
  await answersByteForByte(t, gateway + pathOf(published), bytes)
  const { response } = await fetchBytes(gateway + pathOf(published))
  t.equal(response.headers.get('etag'), `"${published.infoHash}.0"`)
  t.equal(response.headers.get('last-modified'), 'Mon, 02 Jul 2001 00:00:00 GMT')
  t.equal((await fetch(`${gateway}/v1/torrents/${published.infoHash}`)).status, 404)
})

t.test('libtorrent seeds it, a magnet link names it and its tracker', { skip }, async (t) => {
  const folder = testFolder(t)
  const site = await elsewhere(t, folder)
  const bytes = noise(SIZE, 42)
  const file = join(folder, NAME)
  await writeFile(file, bytes)
  const tracker = `${site.tracker}/announce`
  const infoHash = await seedWithLibtorrent(t, file, tracker)
  const gateway = await openGateway(t, folder, {})

  const magnet = `magnet:?xt=urn:btih:${infoHash}&tr=${encodeURIComponent(tracker)}`
  const listing = await fetch(`${gateway}/${magnet}`, { headers: { accept: 'application/json' } })
  t.equal(listing.status, 200, await listing.clone().text())
  t.match(listing.url, `${gateway}/${infoHash}/?tr=`)
  await answersByteForByte(t, `${gateway}/${infoHash}/${NAME}`, bytes)
})

t.test('a torrent that is too large is refused', async (t) => {
  const folder = testFolder(t)
  const site = await elsewhere(t, folder)
  const published = await publishThere(site, noise(SIZE, 43))
  const gateway = await openGateway(t, folder, {
    SWARMGATE_TRACKER_ANNOUNCE_URLS: `${site.tracker}/announce`,
    SWARMGATE_GATEWAY_MAX_OPEN_BYTES: String(SIZE - 1)
  })
  const large = await fetch(gateway + pathOf(published))
  t.equal(large.status, 403)
  t.match(await large.json(), { code: 'TORRENT_TOO_LARGE' })
})

t.test('a torrent that nobody has is given up in time', async (t) => {
  const gateway = await openGateway(t, testFolder(t), {
    SWARMGATE_GATEWAY_FIRST_BYTE_TIMEOUT: '1s'
  })
  const nobody = await fetch(`${gateway}/${'ab'.repeat(20)}/x`)
  t.equal(nobody.status, 502)
  t.match(await nobody.json(), { code: 'SWARM_NO_PEERS', detail: /phase: metadata/ })
})

t.test('what gets denied is reset while it is sent, and answered 451 from then on', async (t) => {
  const folder = testFolder(t)
  const site = await elsewhere(t, folder)
  const denylist = join(folder, 'denied')
  await writeFile(denylist, '# nothing yet\n')
  const published = await publishThere(site, noise(64 * 2 ** 20, 44))
  const gateway = await openGateway(t, folder, {
    SWARMGATE_TRACKER_ANNOUNCE_URLS: `${site.tracker}/announce`,
    SWARMGATE_GATEWAY_DENYLIST: denylist
  })
  const running = await fetch(gateway + pathOf(published))
  t.equal(running.status, 200)
  const reader = (running.body as ReadableStream<Uint8Array>).getReader()
  await reader.read()
  await deny(denylist, published)
  await eventually(async () => (await statusOf(gateway, published)) === 451 || undefined)
  await t.rejects(readAll(reader), 'the client sees that it is not whole')
})

/** Resolves with the infohash, once the tracker knows the seeder. */
async function seedWithLibtorrent(t: Test, file: string, tracker: string): Promise<string> {
  const child = spawn(python ?? '', [SEED_SCRIPT, file, tracker], {
    stdio: ['ignore', 'pipe', 'ignore']
  })
  t.teardown(async () => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  return String(line)
}

async function deny(denylist: string, { infoHash }: Published): Promise<void> {
  await writeFile(`${denylist}.new`, `${infoHash} 451\n`)
  await rename(`${denylist}.new`, denylist)
}

async function statusOf(gateway: string, published: Published): Promise<number> {
  const response = await fetch(gateway + pathOf(published), { method: 'HEAD' })
  return response.status
}

async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  for (;;) {
    const { done } = await reader.read()
    if (done) return
  }
}
