/** What happens to content whose files were damaged behind the seeder's back, and to a full disk. */
import {
  closeSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { testFolder } from '../fakes/test-folder.ts'
import { type Running, start } from './process.ts'
import { eventually, fetchBytes, noise, type Published, pathOf, publish } from './publish.ts'
import { mountSmall, whyNoMount } from './small-volume.ts'

const FULL = 3 * 2 ** 20 + 11
/** For what nobody has; everything else is waited for as long as it takes. */
const SHORT_WAIT = { SWARMGATE_GATEWAY_FIRST_BYTE_TIMEOUT: '2s' }

/** A tracker and a gateway, and seeders that are started one by one and again. */
async function site(t: Test, settings: Readonly<Record<string, string>> = {}) {
  const data = testFolder(t)
  const shared = { SWARMGATE_CLUSTER_SECRET: 'a-secret-of-the-test', ...settings }
  const tracker = await start(
    t,
    { ...shared, SWARMGATE_DATA_DIR: join(data, 'tracker') },
    'tracker'
  )
  const fleet = { ...shared, SWARMGATE_TRACKER_URL: tracker.addresses.tracker ?? '' }
  const gateway = await start(t, { ...fleet, SWARMGATE_DATA_DIR: join(data, 'gateway') }, 'gateway')
  const seeder = (folder: string) => start(t, { ...fleet, SWARMGATE_DATA_DIR: folder }, 'seeder')
  return { data, gateway: gateway.addresses.gateway ?? '', seeder }
}

function placeOf(data: string, { infoHash }: Published): string {
  return join(data, 'seeder', 'library', infoHash.slice(0, 2), infoHash)
}

function flip(path: string, offset: number): void {
  const byte = (readFileSync(path)[offset] ?? 0) ^ 0xff
  const file = openSync(path, 'r+')
  writeSync(file, Buffer.from([byte]), 0, 1, offset)
  closeSync(file)
}

const published = (gateway: string, name: string, bytes: Buffer) =>
  eventually(() => publish(gateway, name, bytes).catch(unlessUnavailable))

function unlessUnavailable(err: unknown): undefined {
  if (!String(err).includes('503 ')) throw err
}

t.test('wrong and lost bytes are never served, and an upload mends them', async (t) => {
  const data = testFolder(t)
  const settings = { SWARMGATE_DATA_DIR: data }
  const first = await start(t, settings)
  const gateway = first.addresses.gateway ?? ''
  const [bytes, other, third] = [noise(FULL, 21), noise(FULL, 22), noise(FULL, 23)]
  const torrent = await publish(gateway, 'damaged.bin', bytes)
  const sound = await publish(gateway, 'sound.bin', other)
  const gone = await publish(gateway, 'gone.bin', third)
  await first.stop()
  flip(join(placeOf(data, torrent), 'files', '0'), 10)
  rmSync(join(placeOf(data, gone), 'files'), { recursive: true })

  const hasty = await start(t, { ...settings, ...SHORT_WAIT })
  for (const [lost, why] of [
    [torrent, 'nobody else has the first piece'],
    [gone, 'its file was deleted']
  ] as const) {
    const { response } = await fetchBytes(hasty.addresses.gateway + pathOf(lost))
    t.equal(response.status, 502, why)
  }
  await hasty.stop()

  const { gateway: again = '' } = (await start(t, settings)).addresses
  const tail = await fetchBytes(again + pathOf(torrent), { range: 'bytes=3000000-3000099' })
  t.ok(tail.bytes.equals(bytes.subarray(3_000_000, 3_000_100)), 'the rest is served')
  t.ok((await fetchBytes(again + pathOf(sound))).bytes.equals(other))
  for (const [lost, name, whole] of [
    [torrent, 'damaged.bin', bytes],
    [gone, 'gone.bin', third]
  ] as const) {
    await publish(again, name, whole)
    const { bytes: mended } = await fetchBytes(again + pathOf(lost))
    t.ok(mended.equals(whole), `the upload of the same bytes mends ${name}`)
  }
})

t.test('a seeder without its ledger serves over the wire what it finds again', async (t) => {
  const { data, gateway, seeder } = await site(t)
  const folder = join(data, 'one')
  const first = await seeder(folder)
  const bytes = noise(48 * 2 ** 20, 24)
  const torrent = await published(gateway, 'movie.mp4', bytes)
  await first.stop()
  rmSync(join(placeOf(folder, torrent), 'ledger'))
  await seeder(folder)
  t.ok((await fetchBytes(gateway + pathOf(torrent))).bytes.equals(bytes))
})

t.test('a seeder that lost a file fetches it from the other', async (t) => {
  const { data, gateway, seeder } = await site(t)
  const folders = [join(data, 'one'), join(data, 'two')] as const
  const running: Running[] = await Promise.all(folders.map(seeder))
  const bytes = noise(FULL, 25)
  const torrent = await published(gateway, 'movie.mp4', bytes)
  await inTwoPlaces(gateway, torrent)
  await running[0]?.stop()
  const file = join(placeOf(folders[0], torrent), 'files', '0')
  rmSync(file)
  await seeder(folders[0])
  t.ok((await fetchBytes(gateway + pathOf(torrent))).bytes.equals(bytes), 'the other serves it')
  await eventually(async () => whole(file, bytes) || undefined)
})

t.test('a file that is cut while it is open is not trusted any more', async (t) => {
  const data = testFolder(t)
  const shared = { SWARMGATE_CLUSTER_SECRET: 'a-secret-of-the-test' }
  const all = await start(t, { ...shared, SWARMGATE_DATA_DIR: join(data, 'all') })
  const { gateway = '', tracker = '' } = all.addresses
  const fleet = { ...shared, SWARMGATE_TRACKER_URL: tracker }
  await start(t, { ...fleet, SWARMGATE_DATA_DIR: join(data, 'other') }, 'seeder')
  const bytes = noise(FULL, 27)
  const torrent = await publish(gateway, 'cut.bin', bytes)
  await inTwoPlaces(gateway, torrent)
  const url = gateway + pathOf(torrent)
  t.ok((await fetchBytes(url)).bytes.equals(bytes))

  truncateSync(join(placeOf(join(data, 'all'), torrent), 'files', '0'), 1_500_000)
  const range = `bytes=${FULL - 100}-`
  const end = await eventually(() => fetchBytes(url, { range }).catch(() => undefined))
  t.ok(end.bytes.equals(bytes.subarray(-100)), 'the last piece was fetched again')
  const again = await eventually(() => fetchBytes(url).catch(() => undefined))
  t.ok(again.bytes.equals(bytes), 'what lay between is no hole')
})

/** Resolves when two seeders hold the torrent. */
async function inTwoPlaces(gateway: string, { infoHash }: Published): Promise<void> {
  await eventually(async () => {
    const { bytes } = await fetchBytes(`${gateway}/v1/torrents/${infoHash}`)
    const { replicas } = JSON.parse(bytes.toString()) as Published
    return replicas.ready === 2 || undefined
  })
}

function whole(file: string, bytes: Buffer): boolean {
  try {
    return readFileSync(file).equals(bytes)
  } catch {
    return false
  }
}

t.test('a seeder whose disk is full starts and serves', { skip: whyNoMount() }, async (t) => {
  const { gateway, seeder } = await site(t)
  const folder = mountSmall(t, 48 * 2 ** 20)
  const first = await seeder(folder)
  const bytes = noise(FULL, 26)
  const torrent = await published(gateway, 'movie.mp4', bytes)
  await first.stop()
  t.throws(() => writeFileSync(join(folder, 'fill'), Buffer.alloc(48 * 2 ** 20)), {
    code: 'ENOSPC'
  })
  await seeder(folder)
  t.ok((await fetchBytes(gateway + pathOf(torrent))).bytes.equals(bytes))
})
