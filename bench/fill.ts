/**
 * The wire at full speed: one file, one process that has it and one that fetches all of it, each
 * piece verified and written. Our seeder and gateway, libtorrent's and webtorrent's pairs, and
 * libtorrent taking from our seeder; with the CPU time of each side, and the delay of the event
 * loop that answers HTTP meanwhile.
 *
 * A gateway fetches only what readers ask for: many of them ask for single bytes of each piece, so
 * that it fills at full speed and sends next to nothing. A GET of the whole stands beside it.
 */
import type { Geometry } from '../core/geometry.ts'
import type { Running } from '../test/system/process.ts'
import { saveTorrent, type WireTorrent, writeRandom } from './content.ts'
import { download } from './curl.ts'
import type { Figure } from './figure.ts'
import { scrape } from './metrics-page.ts'
import { type BenchOwner, withOwner } from './owner.ts'
import { cpuSeconds } from './process-usage.ts'
import { largeBytes, ROUNDS, sizeText } from './scale.ts'
import { type Fleet, pidOf, publishFile, startFleet, wireAddress } from './swarmgate.ts'
import { libtorrent, type WireClient, type WireSeeder, webtorrent } from './wire-peers.ts'

const SIZE = largeBytes(2 ** 30)
const NAME = 'large.bin'
/** Each asks for two pieces: together 32 MiB of them, as one fast reader would. */
const READERS = 32

/** What one transfer took. */
interface Filled {
  readonly seconds: number
  readonly seederCpu: number
  readonly leecherCpu: number
  /** 99th percentile of the delay of the thread that answers HTTP, where there is one. */
  readonly loopDelayMs?: number
}

interface Pair {
  readonly name: string
  readonly fill: (owner: BenchOwner) => Promise<Filled>
  readonly samples: Filled[]
}

export async function benchFill(): Promise<Figure[]> {
  return withOwner(async (owner) => {
    const fleet = await startFleet(owner)
    const folder = await owner.folder()
    const publisher = await fleet.gateway(owner)
    const file = await writeRandom(folder, NAME, SIZE)
    const { infoHash, path } = await publishFile(publisher, file, NAME)
    const torrent = await saveTorrent(`${publisher.addresses.gateway}/${infoHash}.torrent`, folder)
    await publisher.stop()

    const pairs = await preparePairs(owner, { fleet, torrent, folder, path })
    for (let round = 0; round < ROUNDS; round++) {
      for (const { fill, samples } of pairs) samples.push(await withOwner(fill))
    }
    return figuresOf(pairs)
  })
}

interface Content {
  readonly fleet: Fleet
  readonly torrent: WireTorrent
  /** Where the file lies that other clients seed. */
  readonly folder: string
  /** Of the file's URL on a gateway. */
  readonly path: string
}

const OURS = 'Swarmgate’s seeder → Swarmgate’s gateway'
const WHOLE_GET = `${OURS} → curl, one GET of the whole`
const TO_LIBTORRENT = 'Swarmgate’s seeder → libtorrent'

async function preparePairs(owner: BenchOwner, content: Content): Promise<Pair[]> {
  const { fleet, torrent, folder } = content
  const [ours] = fleet.seeders as [Running]
  const seeder = { pid: pidOf(ours), address: wireAddress(ours, torrent.metainfo.infoHash) }
  const { geometry } = torrent.metainfo
  const pairs = [
    pair(OURS, (owner) => fillGateway(owner, content, (url) => readSeams(url, geometry))),
    pair(WHOLE_GET, (owner) => fillGateway(owner, content, download))
  ]
  const node = webtorrent()
  const nodeSeeder = await node.seed(owner, torrent.file, folder)
  pairs.push(pair('webtorrent → webtorrent', (owner) => leech(owner, node, torrent, nodeSeeder)))
  const client = libtorrent()
  if (client === undefined) return pairs
  const clientSeeder = await client.seed(owner, torrent.file, folder)
  return [
    ...pairs,
    pair('libtorrent → libtorrent', (owner) => leech(owner, client, torrent, clientSeeder)),
    pair(TO_LIBTORRENT, (owner) => leech(owner, client, torrent, seeder))
  ]
}

function pair(name: string, fill: Pair['fill']): Pair {
  return { name, fill, samples: [] }
}

/** A gateway with an empty cache takes all of it from the fleet's seeder. */
async function fillGateway(
  owner: BenchOwner,
  { fleet, path, torrent }: Content,
  read: (url: string) => Promise<unknown>
): Promise<Filled> {
  const gateway = await fleet.gateway(owner)
  const [seeder] = fleet.seeders as [Running]
  // Each scrape shows the delays since the one before it.
  await scrape(gateway)
  const filled = await timed(pidOf(seeder), pidOf(gateway), async () => {
    const began = performance.now()
    await read(gateway.addresses.gateway + path)
    return (performance.now() - began) / 1000
  })
  const metrics = await scrape(gateway)
  const kept = metrics.sum('swarmgate_cache_bytes')
  if (kept < torrent.metainfo.geometry.size) throw new Error(`the cache holds ${kept} bytes only`)
  const delay = metrics.sum('swarmgate_event_loop_delay_seconds', { quantile: '0.99' })
  return { ...filled, loopDelayMs: delay * 1000 }
}

/** Two bytes for two pieces, where they meet; many readers together keep to the order. */
async function readSeams(url: string, { size, pieceLength }: Geometry): Promise<void> {
  const seams: number[] = []
  for (let end = pieceLength; end < size + pieceLength; end += 2 * pieceLength) {
    seams.push(Math.min(end, size) - 1)
  }
  seams.reverse()
  const readers = Array.from({ length: READERS }, async () => {
    for (let at = seams.pop(); at !== undefined; at = seams.pop()) {
      const answer = await fetch(url, { headers: { range: `bytes=${at}-${at + 1}` } })
      if (answer.status !== 206) throw new Error(`${url}: ${answer.status}`)
      await answer.arrayBuffer()
    }
  })
  await Promise.all(readers)
}

async function leech(
  owner: BenchOwner,
  client: WireClient,
  { file }: WireTorrent,
  seeder: WireSeeder
): Promise<Filled> {
  const leecher = await client.leech(owner, file, await owner.folder(), seeder.address)
  return timed(seeder.pid, leecher.pid, leecher.run)
}

async function timed(seeder: number, leecher: number, run: () => Promise<number>): Promise<Filled> {
  const before = [await cpuSeconds(seeder), await cpuSeconds(leecher)] as const
  const seconds = await run()
  const after = [await cpuSeconds(seeder), await cpuSeconds(leecher)] as const
  return { seconds, seederCpu: after[0] - before[0], leecherCpu: after[1] - before[1] }
}

function figuresOf(pairs: readonly Pair[]): Figure[] {
  const perGiB = (cpu: number) => cpu / (SIZE / 2 ** 30)
  const rate = ({ seconds }: Filled) => SIZE / seconds / 1e6
  const gateways = pairs.filter(({ name }) => name.startsWith(OURS))
  const toLibtorrent = pairs.filter(({ name }) => name.endsWith('→ libtorrent')).toReversed()
  return [
    ...rows(
      {
        name: `Fill ${sizeText(SIZE)} from one seeder, verified and on disk`,
        unit: 'MB/s',
        aim: 'at least libtorrent → libtorrent, and twice webtorrent → webtorrent'
      },
      pairs.filter(({ name }) => name !== TO_LIBTORRENT),
      rate
    ),
    ...rows(
      {
        name: `libtorrent leeches ${sizeText(SIZE)}`,
        unit: 'MB/s',
        aim: 'at least from libtorrent’s seeder'
      },
      toLibtorrent,
      rate
    ),
    ...rows({ name: 'CPU of the seeder', unit: 'CPU s per GiB' }, pairs, ({ seederCpu }) =>
      perGiB(seederCpu)
    ),
    ...rows({ name: 'CPU of the leecher', unit: 'CPU s per GiB' }, pairs, ({ leecherCpu }) =>
      perGiB(leecherCpu)
    ),
    ...rows(
      {
        name: 'Delay of the event loop that answers HTTP while filling, 99th percentile',
        unit: 'ms',
        aim: '≤ 20 ms'
      },
      gateways,
      ({ loopDelayMs = Number.NaN }) => loopDelayMs
    )
  ]
}

/** A table: a row for each of the pairs. */
function rows(
  heading: Pick<Figure, 'name' | 'unit' | 'aim'>,
  pairs: readonly Pair[],
  value: (filled: Filled) => number
): Figure[] {
  return pairs.map(({ name, samples }) => ({
    ...heading,
    subject: name,
    samples: samples.map(value)
  }))
}
