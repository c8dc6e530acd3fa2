/**
 * The first byte of warm content and the throughput of cold, for our gateway in one process and
 * apart, with nginx and webtorrent's own server beside them in the same run. First bytes of cold
 * content: `cold.ts`; throughput of warm content: `serve.ts`.
 */
import { writeRandom } from './content.ts'
import { download } from './curl.ts'
import type { Figure } from './figure.ts'
import { nginxVersion, startNginx } from './nginx.ts'
import { type BenchOwner, withOwner } from './owner.ts'
import { largeBytes, ROUNDS } from './scale.ts'
import { publishFile, startFleet, startOneProcess } from './swarmgate.ts'
import { seedForServer, startTorrentServer } from './webtorrent-server.ts'

const LARGE = largeBytes(2 ** 29)
const NAME = 'large.bin'
const THROUGHPUT_COLD = 'Throughput, cold, one connection'

export async function benchFetch(): Promise<Figure[]> {
  return withOwner(async (owner) => {
    const folder = await owner.folder()
    const large = await writeRandom(folder, NAME, LARGE)
    const subjects = await prepare(owner, folder, large)
    return [...(await firstByteWarm(subjects)), ...(await throughputCold(owner, large))]
  })
}

interface Subject {
  readonly name: string
  readonly url: string
}

/** Every subject serving the large file, all of it warm. */
async function prepare(owner: BenchOwner, folder: string, large: string): Promise<Subject[]> {
  const one = await startOneProcess(owner)
  const { path } = await publishFile(one, large, NAME)
  const fleet = await startFleet(owner)
  const apart = await fleet.gateway(owner)
  await publishFile(apart, large, NAME)
  const seeder = await seedForServer(owner, large)
  const server = await startTorrentServer(owner)

  const subjects = [
    { name: 'Swarmgate, one process (library)', url: one.addresses.gateway + path },
    { name: 'Swarmgate, gateway apart (cache)', url: apart.addresses.gateway + path },
    {
      name: "webtorrent's server",
      url: await server.add(seeder.torrents[0] as string, seeder.address)
    }
  ]
  if (nginxVersion() !== undefined) {
    const { url } = await startNginx(owner, folder)
    subjects.push({ name: 'nginx, sendfile', url: `${url}/${NAME}` })
  }
  for (const subject of subjects) await download(subject.url)
  return subjects
}

async function firstByteWarm(subjects: readonly Subject[]): Promise<Figure[]> {
  const rows = await inTurns(subjects, 4 * ROUNDS, async ({ url }, turn) => {
    const start = (turn * 7_654_321) % (LARGE - 65_536)
    return (await download(url, '-r', `${start}-${start + 65_535}`)).firstByteMs
  })
  return rows.map((row) => ({ ...row, name: 'First byte, warm, 64 KiB range', unit: 'ms' }))
}

/** Subjects take turns, so that a noisy minute of the machine hits all alike. */
async function inTurns(
  subjects: readonly Subject[],
  turns: number,
  measure: (subject: Subject, turn: number) => Promise<number>
) {
  const rows = subjects.map(({ name }) => ({ subject: name, samples: [] as number[] }))
  for (let turn = 0; turn < turns; turn++) {
    for (const [index, subject] of subjects.entries()) {
      rows[index]?.samples.push(await measure(subject, turn))
    }
  }
  return rows
}

/** Content that the gateway never saw: a new gateway, and a new server, for every sample. */
async function throughputCold(owner: BenchOwner, large: string): Promise<Figure[]> {
  const ours: number[] = []
  const theirs: number[] = []
  const fleet = await startFleet(owner)
  const { path } = await publishFile(await fleet.gateway(owner), large, NAME)
  const seeder = await seedForServer(owner, large)
  for (let round = 0; round < ROUNDS; round++) {
    await withOwner(async (owner) => {
      const gateway = await fleet.gateway(owner)
      ours.push((await download(gateway.addresses.gateway + path)).rate)
    })
    await withOwner(async (owner) => {
      const server = await startTorrentServer(owner)
      const url = await server.add(seeder.torrents[0] as string, seeder.address)
      theirs.push((await download(url)).rate)
    })
  }
  return [
    {
      name: THROUGHPUT_COLD,
      subject: 'Swarmgate, gateway apart',
      unit: 'MB/s',
      samples: ours
    },
    { name: THROUGHPUT_COLD, subject: "webtorrent's server", unit: 'MB/s', samples: theirs }
  ]
}
