/**
 * Ten people fetch the same large file through ten gateways at once, while the seeder's and the
 * gateways' wires are capped at one rate: what the seeder sends, and how much longer the slowest
 * waits than somebody alone.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Running } from '../test/system/process.ts'
import { writeRandom } from './content.ts'
import { download } from './curl.ts'
import type { Figure } from './figure.ts'
import { scrape } from './metrics-page.ts'
import { type BenchOwner, withOwner } from './owner.ts'
import { largeBytes, ROUNDS, sampleCount, sizeText } from './scale.ts'
import { type Fleet, hasSetting, publishFile, startFleet } from './swarmgate.ts'

const SIZE = largeBytes(200e6)
const GATEWAYS = sampleCount(10)
/** Bytes per second, each way. */
const RATE = Number(process.env.BENCH_WIRE_RATE ?? 10e6)
const CAPS = ['SWARMGATE_WIRE_UPLOAD_RATE', 'SWARMGATE_WIRE_DOWNLOAD_RATE'] as const
/** A node's metrics of its wire are this old at most. */
const METRICS_AGE_MS = 1500

const CASE = `${GATEWAYS} GETs of ${sizeText(SIZE)} through ${GATEWAYS} gateways at once, wires of ${RATE / 1e6} MB/s`
const SENT = `${CASE}: bytes sent by the seeder per byte of the file`
const TIME = `${CASE}: time of the slowest, by the time of one alone`
const ALONE = `One GET of ${sizeText(SIZE)} alone, wires of ${RATE / 1e6} MB/s`

export async function benchSpread(): Promise<Figure[]> {
  const missing = CAPS.find((name) => !hasSetting(name))
  const samples =
    missing === undefined ? await withOwner(measure) : { sent: [], slowdown: [], alone: [] }
  const row = {
    subject: 'Swarmgate',
    ...(missing !== undefined && { missing: `there is no ${missing}` })
  }
  return [
    { ...row, name: SENT, unit: 'times', samples: samples.sent, aim: '≤ 1.5' },
    { ...row, name: TIME, unit: 'times', samples: samples.slowdown, aim: '≤ 1.3' },
    { ...row, name: ALONE, unit: 's', samples: samples.alone }
  ]
}

interface Samples {
  readonly sent: number[]
  readonly slowdown: number[]
  readonly alone: number[]
}

async function measure(owner: BenchOwner): Promise<Samples> {
  const settings = Object.fromEntries(CAPS.map((name) => [name, String(RATE)]))
  const fleet = await startFleet(owner, { settings })
  const file = await writeRandom(await owner.folder(), 'spread.bin', SIZE)
  const { path } = await withOwner(async (owner) =>
    publishFile(await fleet.gateway(owner), file, 'spread.bin')
  )
  const samples: Samples = { sent: [], slowdown: [], alone: [] }
  for (let round = 0; round < ROUNDS; round++) {
    const alone = await withOwner((owner) => fetchThrough(owner, fleet, path, 1))
    const together = await withOwner((owner) => fetchThrough(owner, fleet, path, GATEWAYS))
    samples.alone.push(alone.slowest)
    samples.slowdown.push(together.slowest / alone.slowest)
    samples.sent.push(together.sent / SIZE)
  }
  return samples
}

/** Fresh gateways, which take leave at the end, all asked at once. */
async function fetchThrough(owner: BenchOwner, fleet: Fleet, path: string, count: number) {
  const gateways: Running[] = await Promise.all(
    Array.from({ length: count }, () => fleet.gateway(owner))
  )
  const [seeder] = fleet.seeders as [Running]
  const before = await sentOnWire(seeder)
  const transfers = await Promise.all(
    gateways.map(({ addresses }) => download(addresses.gateway + path))
  )
  const slowest = Math.max(...transfers.map(({ seconds }) => seconds))
  await delay(METRICS_AGE_MS)
  const sent = (await sentOnWire(seeder)) - before
  await Promise.all(gateways.map((gateway) => gateway.stop()))
  return { slowest, sent }
}

async function sentOnWire(node: Running): Promise<number> {
  const metrics = await scrape(node)
  return metrics.sum('swarmgate_swarm_bytes_total', { direction: 'upload' })
}
