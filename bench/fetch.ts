/**
 * The hot path of a GET: first byte cold and warm, throughput warm and cold, for our gateway in
 * one process and apart, with nginx and webtorrent's own server beside them in the same run.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { download } from './curl.ts'
import type { Figure } from './figure.ts'
import { nginxVersion, startNginx } from './nginx.ts'
import { type BenchOwner, withOwner } from './owner.ts'
import { publishFile, startFleet, startOneProcess } from './swarmgate.ts'

const LARGE = Number(process.env.BENCH_BYTES ?? 2 ** 29)
const SMALL = 4 * 2 ** 20
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5)
const COLD = 3 * ROUNDS

export async function benchFetch(): Promise<Figure[]> {
  return withOwner(async (owner) => {
    const folder = await owner.folder()
    const large = join(folder, 'large.bin')
    await writeRandom(large, LARGE)
    const small = await Promise.all(
      Array.from({ length: COLD }, async (_, index) => {
        const file = join(folder, `small-${index}.bin`)
        await writeFile(file, randomBytes(SMALL))
        return file
      })
    )
    const subjects = await prepare(owner, folder, large)
    return [
      ...(await firstByteWarm(subjects)),
      ...(await throughputWarm(subjects)),
      ...(await cold(owner, large, small))
    ]
  })
}

interface Subject {
  readonly name: string
  readonly url: string
}

/** Every subject serving the large file, all of it warm. */
async function prepare(owner: BenchOwner, folder: string, large: string): Promise<Subject[]> {
  const one = await startOneProcess(owner)
  const path = await publishFile(one, large, 'large.bin')
  const fleet = await startFleet(owner)
  const apart = await fleet.gateway()
  await publishFile(apart, large, 'large.bin')
  const seeder = await startWebtorrent(owner, 'seed', large)
  const server = await startWebtorrent(owner, 'serve', await owner.folder())
  const { port, torrents } = await seeder.next()
  const { url } = await server.next()
  server.say({ torrent: torrents[0], peer: `127.0.0.1:${port}` })
  const served = await server.next()

  const subjects = [
    { name: 'Swarmgate, one process (library)', url: one.addresses.gateway + path },
    { name: 'Swarmgate, gateway apart (cache)', url: apart.addresses.gateway + path },
    { name: "webtorrent's server", url: url + served.path }
  ]
  if (nginxVersion() !== undefined) {
    const nginx = await startNginx(owner, folder)
    subjects.push({ name: 'nginx, sendfile', url: `${nginx}/large.bin` })
  }
  for (const subject of subjects) await download(subject.url)
  return subjects
}

async function throughputWarm(subjects: readonly Subject[]): Promise<Figure[]> {
  const rows = await inTurns(subjects, ROUNDS, async ({ url }) => (await download(url)).rate)
  return rows.map((row) => ({ ...row, name: 'Throughput, warm, one connection', unit: 'MB/s' }))
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

/** First byte and throughput of content that the gateway never saw. */
async function cold(owner: BenchOwner, large: string, small: readonly string[]): Promise<Figure[]> {
  const ours = { first: [] as number[], rate: [] as number[] }
  const theirs = { first: [] as number[], rate: [] as number[] }
  const fleet = await startFleet(owner)
  const publisher = await fleet.gateway()
  const gateway = await fleet.gateway()
  for (const [index, file] of small.entries()) {
    const path = await publishFile(publisher, file, `small-${index}.bin`)
    ours.first.push((await download(gateway.addresses.gateway + path)).firstByteMs)
  }
  const path = await publishFile(publisher, large, 'large.bin')
  for (let round = 0; round < ROUNDS; round++) {
    const fresh = await fleet.gateway()
    ours.rate.push((await download(fresh.addresses.gateway + path)).rate)
    await fresh.stop()
  }

  const seeder = await startWebtorrent(owner, 'seed', ...small, large)
  const { port, torrents } = await seeder.next()
  const peer = `127.0.0.1:${port}`
  const server = await startWebtorrent(owner, 'serve', await owner.folder())
  const { url } = await server.next()
  for (const torrent of torrents.slice(0, small.length)) {
    const began = performance.now()
    server.say({ torrent, peer })
    const served = await server.next()
    const added = performance.now() - began
    theirs.first.push(added + (await download(url + served.path)).firstByteMs)
  }
  for (let round = 0; round < ROUNDS; round++) {
    const fresh = await startWebtorrent(owner, 'serve', await owner.folder())
    const base = (await fresh.next()).url
    fresh.say({ torrent: torrents.at(-1), peer })
    theirs.rate.push((await download(base + (await fresh.next()).path)).rate)
    await fresh.stop()
  }
  return [
    figure('First byte, cold, 256 KiB pieces', 'Swarmgate, gateway apart', 'ms', ours.first),
    figure('First byte, cold, 256 KiB pieces', "webtorrent's server", 'ms', theirs.first),
    figure('Throughput, cold, one connection', 'Swarmgate, gateway apart', 'MB/s', ours.rate),
    figure('Throughput, cold, one connection', "webtorrent's server", 'MB/s', theirs.rate)
  ]
}

function figure(
  name: string,
  subject: string,
  unit: Figure['unit'],
  samples: readonly number[]
): Figure {
  return { name, subject, unit, samples }
}

interface Answer {
  readonly port: number
  readonly torrents: readonly string[]
  readonly url: string
  readonly path: string
}

async function startWebtorrent(owner: BenchOwner, ...args: readonly string[]) {
  const script = new URL('./webtorrent-server.mjs', import.meta.url).pathname
  const child = spawn(process.execPath, [script, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const stop = async () => void child.kill('SIGKILL')
  owner.teardown(stop)
  return {
    say: (message: unknown) => child.stdin.write(`${JSON.stringify(message)}\n`),
    next: async (): Promise<Answer> => JSON.parse((await lines.next()).value ?? ''),
    stop
  }
}

async function writeRandom(path: string, size: number): Promise<void> {
  const file = await open(path, 'w')
  try {
    const block = randomBytes(2 ** 22)
    for (let written = 0; written < size; written += block.length) {
      block.writeUInt32LE(written / block.length, 0)
      await file.write(block, 0, Math.min(block.length, size - written))
    }
  } finally {
    await file.close()
  }
}
