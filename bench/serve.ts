/**
 * A warm gateway as a static file server, with nginx and webtorrent's own server beside it in the
 * same run: one connection and eight, CPU of each, small ranges, and answers without a body.
 */
import { writeRandom } from './content.ts'
import { download } from './curl.ts'
import type { Figure } from './figure.ts'
import { type Load, runLoad } from './load.ts'
import { nginxVersion, startNginx } from './nginx.ts'
import { type BenchOwner, withOwner } from './owner.ts'
import { cpuSeconds } from './process-usage.ts'
import { largeBytes, ROUNDS, SMOKE, sizeText } from './scale.ts'
import { pidOf, publishFile, startFleet, startOneProcess } from './swarmgate.ts'
import { seedForServer, startTorrentServer } from './webtorrent-server.ts'

const SIZE = largeBytes(2 ** 30)
const NAME = 'large.bin'
const RANGE = 65_536
const CONNECTIONS = 32
const SECONDS = SMOKE ? 0.5 : 4

interface Subject {
  readonly name: string
  readonly url: string
  readonly pid: number
}

export async function benchServe(): Promise<Figure[]> {
  return withOwner(async (owner) => {
    const subjects = await prepare(owner)
    return [
      ...(await throughput(subjects, 1)),
      ...(await throughput(subjects, 8)),
      ...(await requests(subjects))
    ]
  })
}

/** Every subject serving the same file, all of it in the page cache and asked for before. */
async function prepare(owner: BenchOwner): Promise<Subject[]> {
  const folder = await owner.folder()
  const large = await writeRandom(folder, NAME, SIZE)
  const one = await startOneProcess(owner)
  const fleet = await startFleet(owner)
  const apart = await fleet.gateway(owner)
  const { path } = await publishFile(one, large, NAME)
  await publishFile(apart, large, NAME)
  const seeder = await seedForServer(owner, large)
  const server = await startTorrentServer(owner)
  const theirs = await server.add(seeder.torrents[0] as string, seeder.address)
  const subjects = [
    {
      name: 'Swarmgate, one process (library)',
      url: one.addresses.gateway + path,
      pid: pidOf(one)
    },
    {
      name: 'Swarmgate, gateway apart (cache)',
      url: apart.addresses.gateway + path,
      pid: pidOf(apart)
    },
    { name: "webtorrent's server", url: theirs, pid: server.pid }
  ]
  if (nginxVersion() !== undefined) {
    const { url, pid } = await startNginx(owner, folder)
    subjects.push({ name: 'nginx, sendfile', url: `${url}/${NAME}`, pid })
  }
  for (const { url } of subjects) await download(url)
  return subjects
}

/** Subjects take turns, so that a noisy minute of the machine hits all alike. */
async function throughput(subjects: readonly Subject[], connections: number): Promise<Figure[]> {
  const plural = connections === 1 ? 'one connection' : `${connections} connections`
  const name = `${sizeText(SIZE)} warm, ${plural}`
  const rates = figures(subjects, name, 'MB/s', AIMS.throughput)
  const costs = figures(subjects, `${name}: CPU of the server`, 'CPU s per GiB')
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, { url, pid }] of subjects.entries()) {
      const cpu = await cpuSeconds(pid)
      const began = performance.now()
      const all = await Promise.all(Array.from({ length: connections }, () => download(url)))
      const seconds = (performance.now() - began) / 1000
      const bytes = all.reduce((sum, one) => sum + one.bytes, 0)
      const rate = connections === 1 ? (all[0]?.rate ?? 0) : bytes / seconds / 1e6
      rates[index]?.samples.push(rate)
      costs[index]?.samples.push(((await cpuSeconds(pid)) - cpu) / (bytes / 2 ** 30))
    }
  }
  return [...rates, ...costs]
}

/** One kind of request, as fast as it is answered. */
async function requests(all: readonly Subject[]): Promise<Figure[]> {
  // Their server answers a range by selecting pieces anew: it is in the other figures.
  const subjects = all.filter(({ name }) => !name.startsWith('webtorrent'))
  const found: Figure[] = []
  for (const { name, aim, requestOf } of KINDS) {
    const rates = figures(subjects, name, 'requests/s', aim)
    const tails = figures(subjects, `${name}: 99th percentile`, 'ms')
    const makers = await Promise.all(subjects.map(({ url }) => requestOf(url)))
    for (let round = -1; round < ROUNDS; round++) {
      for (const [index, { url }] of subjects.entries()) {
        const request = makers[index] as Load['request']
        const load = { url, connections: CONNECTIONS, seconds: SECONDS, request }
        const { requestsPerSecond, p99Ms } = await runLoad(load)
        // The first round is for the compilers of the servers that have one.
        if (round < 0) continue
        rates[index]?.samples.push(requestsPerSecond)
        tails[index]?.samples.push(p99Ms)
      }
    }
    found.push(...rates, ...tails)
  }
  return found
}

const AIMS = {
  throughput:
    '≥ 0.8 × nginx from the library, ≥ 0.7 × from the cache, both ≥ 1.6 × webtorrent’s server',
  ranges: '≥ 0.45 × nginx'
} as const

interface Kind {
  readonly name: string
  readonly aim?: string
  readonly requestOf: (url: string) => Promise<Load['request']>
}

const KINDS: readonly Kind[] = [
  {
    name: `Random ranges of 64 KiB, ${CONNECTIONS} connections`,
    aim: AIMS.ranges,
    requestOf: async () => () => {
      const start = Math.floor(Math.random() * (SIZE - RANGE))
      return { method: 'GET', headers: `Range: bytes=${start}-${start + RANGE - 1}\r\n` }
    }
  },
  {
    name: `304 by entity tag, ${CONNECTIONS} connections`,
    async requestOf(url) {
      const { headers } = await fetch(url, { method: 'HEAD' })
      const line = `If-None-Match: ${headers.get('etag')}\r\n`
      return () => ({ method: 'GET', headers: line })
    }
  },
  { name: `HEAD, ${CONNECTIONS} connections`, requestOf: async () => () => ({ method: 'HEAD' }) }
]

function figures(
  subjects: readonly Subject[],
  name: string,
  unit: Figure['unit'],
  aim?: string
): (Figure & { readonly samples: number[] })[] {
  return subjects.map((subject, index) => ({
    ...{ name, unit, subject: subject.name, samples: [] },
    ...(index === 0 && aim !== undefined && { aim })
  }))
}
