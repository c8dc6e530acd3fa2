/**
 * First bytes of content that a gateway never saw: its cache is empty, the torrent was never asked
 * for there, no connection for it is open, it sleeps at the seeder (which was restarted after the
 * publishing), and its metainfo is not on the gateway. On loopback, and with 50 ms of round trip
 * between the gateway and everything else, tracker and seeder (`relay.ts`). A few torrents are
 * fetched before the first that counts, so that the processes have run their code once.
 */
import { freePort } from '../test/system/clients.ts'
import type { Running } from '../test/system/process.ts'
import { writeRandom } from './content.ts'
import { download } from './curl.ts'
import type { Figure } from './figure.ts'
import { type BenchOwner, withOwner } from './owner.ts'
import { startRelay } from './relay.ts'
import { sampleCount } from './scale.ts'
import { publishFile, type Settings, startFleet } from './swarmgate.ts'
import { seedForServer, startTorrentServer } from './webtorrent-server.ts'

const SMALL = 4 * 2 ** 20
const FAR = sampleCount(20)
const NEAR = sampleCount(40)
const WARM_UP = 3
const ROUND_TRIP_MS = 50
/** What is fetched before the connection counts as one whose window has grown. */
const GROWING = 16 * 2 ** 20
/** Beyond what the reader before asked for ahead. */
const APART = 2 * 2 ** 20

const LOOPBACK = 'First byte, cold, 256 KiB pieces, loopback'
const RELAYED = `First byte, cold, 256 KiB pieces, round trip of ${ROUND_TRIP_MS} ms, window from 14 KiB`
const GROWN = `First byte, cold piece on a connection whose window has grown, round trip of ${ROUND_TRIP_MS} ms`

export async function benchCold(): Promise<Figure[]> {
  const near = await withOwner((owner) => oursNear(owner))
  const theirNear = await withOwner((owner) => theirs(owner, NEAR))
  const far = await withOwner((owner) => oursFar(owner))
  const theirFar = await withOwner((owner) => theirs(owner, FAR, ROUND_TRIP_MS))
  const ours = 'Swarmgate, gateway apart'
  const server = "webtorrent's server, given the metainfo"
  return [
    {
      name: LOOPBACK,
      subject: ours,
      unit: 'ms',
      samples: near,
      aim: 'median ≤ 15 ms, p95 ≤ 40 ms'
    },
    { name: LOOPBACK, subject: server, unit: 'ms', samples: theirNear },
    {
      name: RELAYED,
      subject: ours,
      unit: 'round trips',
      samples: trips(far.cold),
      aim: '≤ 8 round trips'
    },
    { name: RELAYED, subject: server, unit: 'round trips', samples: trips(theirFar) },
    {
      name: GROWN,
      subject: ours,
      unit: 'round trips',
      samples: trips(far.grown),
      aim: '≤ 3 round trips'
    }
  ]
}

function trips(samples: readonly number[]): number[] {
  return samples.map((ms) => ms / ROUND_TRIP_MS)
}

async function oursNear(owner: BenchOwner): Promise<number[]> {
  const fleet = await startFleet(owner)
  const paths = await publishSmall(owner, await fleet.gateway(owner), WARM_UP + NEAR)
  await fleet.restartSeeder()
  return firstBytes(await fleet.gateway(owner), paths)
}

/**
 * The seeder is known by the relay's address, and the gateway is told the relay's as the tracker's.
 * Announces go nowhere: they would tell addresses that lead past the relay.
 */
async function oursFar(owner: BenchOwner): Promise<{ cold: number[]; grown: number[] }> {
  const port = await freePort()
  const wire = await startRelay(owner, `127.0.0.1:${port}`, ROUND_TRIP_MS)
  const nowhere: Settings = {
    SWARMGATE_TRACKER_ANNOUNCE_URLS: `http://127.0.0.1:${await freePort()}/announce`,
    SWARMGATE_SWARM_WORKERS: '1'
  }
  const fleet = await startFleet(owner, {
    settings: nowhere,
    seederSettings: { SWARMGATE_WIRE_PORT: String(port), SWARMGATE_WIRE_ADVERTISE: wire.address }
  })
  const tracker = await startRelay(
    owner,
    new URL(fleet.tracker.addresses.tracker ?? '').host,
    ROUND_TRIP_MS
  )
  const publisher = await fleet.gateway(owner)
  const paths = await publishSmall(owner, publisher, WARM_UP + FAR)
  const size = GROWING + (FAR + 1) * APART
  const large = await writeRandom(await owner.folder(), 'grown.bin', size)
  const { path } = await publishFile(publisher, large, 'grown.bin')
  await fleet.restartSeeder()

  const gateway = await fleet.gateway(owner, {
    SWARMGATE_TRACKER_URL: `http://${tracker.address}`
  })
  const cold = await firstBytes(gateway, paths)
  const before = wire.connections
  const grown = await seeks(gateway.addresses.gateway + path, size)
  if (before === 0) throw new Error('the gateway went past the relay')
  return { cold, grown }
}

async function publishSmall(owner: BenchOwner, gateway: Running, count: number): Promise<string[]> {
  const folder = await owner.folder()
  const paths: string[] = []
  for (let index = 0; index < count; index++) {
    const name = `small-${index}.bin`
    paths.push((await publishFile(gateway, await writeRandom(folder, name, SMALL), name)).path)
  }
  return paths
}

async function firstBytes(gateway: Running, paths: readonly string[]): Promise<number[]> {
  const samples: number[] = []
  for (const path of paths) {
    samples.push((await download(gateway.addresses.gateway + path)).firstByteMs)
  }
  return samples.slice(WARM_UP)
}

/** Reads the start in full, so that windows grow, then single ranges that nobody read ahead. */
async function seeks(url: string, size: number): Promise<number[]> {
  await download(url, '-r', `0-${GROWING - 1}`)
  const samples: number[] = []
  for (let at = GROWING + APART; at < size; at += APART) {
    samples.push((await download(url, '-r', `${at}-${at + 65_535}`)).firstByteMs)
  }
  return samples
}

/** The time to add the torrent, whose metainfo it is given, is part of the figure. */
async function theirs(owner: BenchOwner, count: number, roundTripMs?: number): Promise<number[]> {
  const folder = await owner.folder()
  const files: string[] = []
  for (let index = 0; index < WARM_UP + count; index++) {
    files.push(await writeRandom(folder, `small-${index}.bin`, SMALL))
  }
  const seeder = await seedForServer(owner, ...files)
  const relay =
    roundTripMs === undefined ? undefined : await startRelay(owner, seeder.address, roundTripMs)
  const server = await startTorrentServer(owner)
  const samples: number[] = []
  for (const torrent of seeder.torrents) {
    const began = performance.now()
    const url = await server.add(torrent, relay?.address ?? seeder.address)
    const added = performance.now() - began
    samples.push(added + (await download(url)).firstByteMs)
  }
  return samples.slice(WARM_UP)
}
