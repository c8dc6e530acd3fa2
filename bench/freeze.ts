/**
 * One of three seeders stops answering in the middle of a download (SIGSTOP: its connections stay
 * open, what it was asked for never comes): how long the client then waits for its next byte.
 *
 * The one that stops is the one that has sent most so far, so that the piece the reader comes to
 * next has blocks asked of it. Every byte of the download is compared with the file's.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import type { Running } from '../test/system/process.ts'
import { writeRandom } from './content.ts'
import type { Figure } from './figure.ts'
import { type BenchOwner, withOwner } from './owner.ts'
import { transferred } from './process-usage.ts'
import { largeBytes, ROUNDS } from './scale.ts'
import { type Fleet, pidOf, publishFile, startFleet } from './swarmgate.ts'

/** Never so small that a reader's window takes it in before anything freezes. */
const SIZE = Math.max(largeBytes(2 ** 28), 2 ** 27)
const SEEDERS = 3
/** The part of the file that has come when one stops. */
const FREEZE_AT = 0.3
const NEXT = 'Longest wait for the next byte after one of three seeders froze'

export async function benchFreeze(): Promise<Figure[]> {
  return withOwner(async (owner) => {
    const fleet = await startFleet(owner, { seeders: SEEDERS })
    const file = await writeRandom(await owner.folder(), 'frozen.bin', SIZE)
    const publisher = await fleet.gateway(owner)
    const { path } = await publishFile(publisher, file, 'frozen.bin', SEEDERS)
    const digest = createHash('sha256')
    for await (const bytes of createReadStream(file)) digest.update(bytes)
    const whole = digest.digest('hex')
    const samples: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      samples.push(await withOwner((owner) => freezeOnce(owner, fleet, path, whole)))
    }
    return [
      { name: NEXT, subject: 'Swarmgate, gateway apart', unit: 'ms', samples, aim: '≤ 2000 ms' }
    ]
  })
}

/** Milliseconds of the longest pause after the freeze. */
async function freezeOnce(
  owner: BenchOwner,
  fleet: Fleet,
  path: string,
  whole: string
): Promise<number> {
  const gateway = await fleet.gateway(owner)
  const before = await sentBy(fleet.seeders)
  const response = await request(gateway.addresses.gateway + path)
  const digest = createHash('sha256')
  let received = 0
  let longest = 0
  let frozenAt: number | undefined
  let last = performance.now()
  for await (const bytes of response) {
    const now = performance.now()
    if (frozenAt !== undefined) longest = Math.max(longest, now - last)
    last = now
    digest.update(bytes)
    received += bytes.length
    if (frozenAt === undefined && received >= SIZE * FREEZE_AT) {
      await freezeBusiest(owner, fleet.seeders, before)
      frozenAt = performance.now()
      last = frozenAt
    }
  }
  if (digest.digest('hex') !== whole) throw new Error('the client got other bytes')
  return longest
}

async function freezeBusiest(
  owner: BenchOwner,
  seeders: readonly Running[],
  before: readonly number[]
): Promise<void> {
  const sent = (await sentBy(seeders)).map((bytes, index) => bytes - (before[index] ?? 0))
  const busiest = seeders[sent.indexOf(Math.max(...sent))]
  if (busiest === undefined) throw new Error('no seeder')
  busiest.process.kill('SIGSTOP')
  owner.teardown(() => busiest.process.kill('SIGCONT'))
}

function sentBy(seeders: readonly Running[]): Promise<number[]> {
  return Promise.all(seeders.map(async (seeder) => (await transferred(pidOf(seeder))).written))
}

function request(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, (response) => {
      if (response.statusCode === 200) resolve(response)
      else reject(new Error(`${url}: ${response.statusCode}`))
    }).on('error', reject)
  })
}
