/**
 * Clients that behave like players: a thousand that read slowly, one that seeks about in content
 * that is not here yet, and one that pauses.
 */
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { writeRandom } from './content.ts'
import { download } from './curl.ts'
import { type Figure, percentile } from './figure.ts'
import { scrape } from './metrics-page.ts'
import { type BenchOwner, withOwner } from './owner.ts'
import { residentBytes } from './process-usage.ts'
import { largeBytes, SMOKE, sampleCount } from './scale.ts'
import { startSlowClients } from './slow-clients.ts'
import { pidOf, publishFile, startFleet } from './swarmgate.ts'

const COUNT = SMOKE ? 50 : 1000
const RATE = 65_536
const SLOW_SECONDS = SMOKE ? 2 : 20
const PAUSE_SECONDS = SMOKE ? 2 : 30
const SIZE = largeBytes(2 ** 28)
/** Of 64 MiB and less the pieces are 256 KiB. */
const SEEK_SIZE = Math.min(SIZE, 64 * 2 ** 20)
const SEEKS = sampleCount(60)
const SUBJECT = 'Swarmgate, gateway apart'

export async function benchPlayers(): Promise<Figure[]> {
  return [
    ...(await withOwner(slowClients)),
    ...(await withOwner(seeking)),
    ...(await withOwner(pausing))
  ]
}

async function slowClients(owner: BenchOwner): Promise<Figure[]> {
  const fleet = await startFleet(owner)
  const gateway = await fleet.gateway(owner)
  const file = await writeRandom(await owner.folder(), 'slow.bin', SIZE)
  const { path } = await publishFile(gateway, file, 'slow.bin')
  const url = gateway.addresses.gateway + path
  await download(url)

  const clients = startSlowClients(url, { count: COUNT, rate: RATE, size: SIZE })
  owner.teardown(() => clients.close())
  const began = performance.now()
  const newcomers: number[] = []
  let resident = 0
  while (performance.now() - began < SLOW_SECONDS * 1000) {
    const { firstByteMs } = await download(url, '-r', `${newcomers.length}-${RATE}`)
    newcomers.push(firstByteMs)
    resident = Math.max(resident, await residentBytes(pidOf(gateway)))
    await delay(50)
  }
  const due = ((performance.now() - began) / 1000) * RATE
  const served = clients.bytes.filter((bytes) => bytes >= 0.9 * due).length
  const name = `${COUNT} clients that read 64 KiB/s`
  const figure = { subject: SUBJECT }
  return [
    { ...figure, name: `${name}: got it`, unit: 'clients', samples: [served], aim: 'all' },
    {
      ...figure,
      name: `${name}: resident memory of the gateway`,
      unit: 'MB',
      samples: [resident / 1e6],
      aim: '≤ 300 MB'
    },
    {
      ...figure,
      name: `${name}: first byte of a new request, 99th percentile`,
      unit: 'ms',
      samples: [percentile(newcomers, 0.99)],
      aim: '≤ 100 ms'
    }
  ]
}

/** Each place is one that nobody read, nor read ahead to; the connection to the seeder is open. */
async function seeking(owner: BenchOwner): Promise<Figure[]> {
  const fleet = await startFleet(owner)
  const folder = await owner.folder()
  const publisher = await fleet.gateway(owner)
  const samples: number[] = []
  for (let round = 0; samples.length < SEEKS; round++) {
    const name = `seek-${round}.bin`
    const { path } = await publishFile(publisher, await writeRandom(folder, name, SEEK_SIZE), name)
    const gateway = await fleet.gateway(owner)
    const url = gateway.addresses.gateway + path
    await download(url, '-r', '0-1048575')
    const step = 2 ** 21
    const places = Array.from({ length: Math.floor(SEEK_SIZE / step) - 2 }, (_, k) => k + 1)
    for (const place of shuffled(places).slice(0, SEEKS - samples.length)) {
      samples.push(
        (await download(url, '-r', `${place * step}-${place * step + 65_535}`)).firstByteMs
      )
    }
    await gateway.stop()
  }
  const name = 'Seek to a random place, cold, 256 KiB pieces, loopback, connection warm'
  return [{ name, subject: SUBJECT, unit: 'ms', samples, aim: 'median ≤ 15 ms, p95 ≤ 60 ms' }]
}

/** What the swarm gave to a client that took 1 MiB and then nothing for half a minute. */
async function pausing(owner: BenchOwner): Promise<Figure[]> {
  const fleet = await startFleet(owner)
  const publisher = await fleet.gateway(owner)
  const file = await writeRandom(await owner.folder(), 'paused.bin', SIZE)
  const { path } = await publishFile(publisher, file, 'paused.bin')
  const gateway = await fleet.gateway(owner)
  const { hostname, port, host } = new URL(gateway.addresses.gateway as string)
  const socket = connect({ port: Number(port), host: hostname })
  owner.teardown(() => socket.destroy())
  socket.on('error', () => {})
  let read = 0
  await new Promise<void>((resolve, reject) => {
    socket.on('close', () => reject(new Error('the gateway closed the connection')))
    socket.on('data', (chunk) => {
      read += chunk.length
      if (read < 2 ** 20) return
      socket.pause()
      resolve()
    })
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  })
  await delay(PAUSE_SECONDS * 1000)
  const page = await scrape(gateway)
  const fetched = page.sum('swarmgate_swarm_bytes_total', { direction: 'download' })
  const sent = page.sum('swarmgate_http_response_bytes_total')
  const name = `A client paused for ${PAUSE_SECONDS} s`
  return [
    {
      name: `${name}: fetched from the swarm beyond what its socket took`,
      subject: SUBJECT,
      unit: 'MB',
      samples: [(fetched - sent) / 1e6],
      aim: 'no more than the window: ≤ 33.6 MB, and no more than was read so far'
    },
    {
      name: `${name}: taken by its socket and ours`,
      subject: SUBJECT,
      unit: 'MB',
      samples: [sent / 1e6]
    }
  ]
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, key: Math.random() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ item }) => item)
}
