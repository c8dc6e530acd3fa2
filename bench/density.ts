/**
 * Many torrents on one seeder: how long it takes from its start to `ready`, what memory it needs
 * and what it costs while nobody wants anything. The announces to the tracker go on meanwhile.
 *
 * The library is made by the library's own code on a disk that does not sync; the catalogue hears
 * of it as of any content that it does not know: the first start offers it, and is not measured.
 */
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { buildInfo } from '../core/metainfo-build.ts'
import type { Log } from '../lib/process/service.ts'
import { boundedEach } from '../lib/store/bounded-each.ts'
import { createDescriptors } from '../lib/store/descriptors.ts'
import { createDurableDisk } from '../lib/store/durable-disk.ts'
import { openLibrary } from '../lib/store/library.ts'
import { hashPieces } from '../test/fakes/memory-store.ts'
import { silentLog } from '../test/fakes/silent-log.ts'
import { type Running, start } from '../test/system/process.ts'
import type { Figure } from './figure.ts'
import { type BenchOwner, withOwner } from './owner.ts'
import { cpuSeconds, residentBytes, transferred } from './process-usage.ts'
import { ROUNDS, sampleCount } from './scale.ts'
import { pidOf } from './swarmgate.ts'

const TORRENTS = Number(process.env.BENCH_TORRENTS ?? (sampleCount(10) === 10 ? 10_000 : 500))
const CONTENT_BYTES = 16_384
const PIECE_BYTES = 16_384
/** The first announces of all torrents are spread, 20 ms for each; the rest is calm after that. */
const SETTLE_MS = 10_000 + 20 * TORRENTS
/** For reports that follow the last commit. */
const REPORTED_MS = 3000
const WATCH_MS = sampleCount(10) === 10 ? 20_000 : 5000
/** How often memory is looked at. */
const LOOK_MS = 1000
/** Each takes seconds, and they hardly differ. */
const STARTS = Math.min(ROUNDS, 3)
const AT_ONCE = 16

interface Start {
  readonly readySeconds: number
  /** Bytes that the start read, all files together: of content there must be none. */
  readonly readBytes: number
}

interface Rest {
  /** The most while the first announces went out, and what was left after them. */
  readonly mostBytes: number
  readonly residentBytes: number
  readonly cpuPercent: number
}

export async function benchDensity(): Promise<Figure[]> {
  return withOwner(async (owner) => {
    const data = await owner.folder()
    await fillLibrary(join(data, 'seeder'), silentLog)
    const fleet = await startTracker(owner)
    await publishAll(owner, data, fleet)
    const starts: Start[] = []
    const rests: Rest[] = []
    for (let round = 0; round < STARTS; round++) {
      await withOwner(async (owner) => {
        const { seeder, begun } = await startSeeder(owner, data, fleet)
        starts.push(begun)
        if (round === 0) rests.push(await watch(seeder))
        await seeder.stop()
      })
    }
    return figuresOf(starts, rests)
  })
}

/** Torrents of one small file each, every one with bytes of its own. */
async function fillLibrary(folder: string, log: Log): Promise<void> {
  const descriptors = createDescriptors({ max: 64 })
  const disk = {
    ...createDurableDisk(descriptors),
    syncData: async () => {},
    syncFolder: async () => {},
    writeSynced: (path: string, bytes: Uint8Array) => writeFile(path, bytes)
  }
  const library = await openLibrary({ folder }, { descriptors, disk, log })
  await boundedEach(Array(TORRENTS).keys(), AT_ONCE, async (index) => {
    const bytes = randomBytes(CONTENT_BYTES)
    const { metainfo } = buildInfo({
      name: `file-${index}.bin`,
      size: bytes.byteLength,
      pieceLength: PIECE_BYTES,
      pieces: hashPieces(bytes, PIECE_BYTES)
    })
    const staging = await library.stage(`upload-${index}`)
    await writeFile(staging.filePath(0), bytes)
    const digests = { sha256: randomBytes(32).toString('hex'), crc32: index }
    await staging.publish(metainfo, { files: [digests], createdAt: Date.now() })
  })
  await library.close()
  await descriptors.close()
}

type Settings = Readonly<Record<string, string>>

async function startTracker(owner: BenchOwner): Promise<Settings> {
  const shared = { SWARMGATE_CLUSTER_SECRET: 'bench-secret', SWARMGATE_REPLICAS: '1' }
  const own = { SWARMGATE_DATA_DIR: await owner.folder() }
  const tracker = await start(owner, { ...shared, ...own }, 'tracker')
  return { ...shared, SWARMGATE_TRACKER_URL: tracker.addresses.tracker ?? '' }
}

/** The first start: the tracker takes in what it does not know. */
async function publishAll(owner: BenchOwner, data: string, fleet: Settings): Promise<void> {
  const { seeder } = await startSeeder(owner, data, fleet)
  let published = 0
  await seeder.line(({ msg }) => {
    if (msg === 'offered content was published') published++
    return published === TORRENTS
  })
  await delay(REPORTED_MS)
  await seeder.stop()
}

async function startSeeder(owner: BenchOwner, data: string, fleet: Settings) {
  const since = performance.now()
  const seeder = await start(owner, { ...fleet, SWARMGATE_DATA_DIR: data }, 'seeder')
  const readySeconds = (performance.now() - since) / 1000
  const { read: readBytes } = await transferred(pidOf(seeder))
  return { seeder, begun: { readySeconds, readBytes } }
}

async function watch(seeder: Running): Promise<Rest> {
  const pid = pidOf(seeder)
  const mostBytes = await mostResident(pid, SETTLE_MS)
  const before = await cpuSeconds(pid)
  const since = performance.now()
  await delay(WATCH_MS)
  const seconds = (performance.now() - since) / 1000
  const cpuPercent = (100 * ((await cpuSeconds(pid)) - before)) / seconds
  return { mostBytes, residentBytes: await residentBytes(pid), cpuPercent }
}

async function mostResident(pid: number, ms: number): Promise<number> {
  const until = performance.now() + ms
  let most = 0
  while (performance.now() < until) {
    most = Math.max(most, await residentBytes(pid))
    await delay(LOOK_MS)
  }
  return most
}

function figuresOf(starts: readonly Start[], rests: readonly Rest[]): Figure[] {
  const subject = `swarmgate seeder, ${TORRENTS} torrents`
  return [
    {
      name: 'start of a seeder to ready',
      subject,
      unit: 's',
      samples: starts.map(({ readySeconds }) => readySeconds),
      aim: '≤ 5 s with nothing hashed'
    },
    {
      name: 'bytes read until ready, by system calls',
      subject,
      unit: 'MB',
      samples: starts.map(({ readBytes }) => readBytes / 1e6)
    },
    {
      name: 'resident memory of a seeder, the most while all are announced for the first time',
      subject,
      unit: 'MB',
      samples: rests.map(({ mostBytes: bytes }) => bytes / 1e6),
      aim: '≤ 300 MB'
    },
    {
      name: 'resident memory of a seeder at rest',
      subject,
      unit: 'MB',
      samples: rests.map(({ residentBytes: bytes }) => bytes / 1e6),
      aim: '≤ 300 MB'
    },
    {
      name: 'CPU of a seeder at rest, of one core',
      subject,
      unit: '%',
      samples: rests.map(({ cpuPercent }) => cpuPercent),
      aim: '≤ 2 %'
    }
  ]
}
