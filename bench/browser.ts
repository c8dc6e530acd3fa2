/**
 * A browser as a peer: Chromium with stock webtorrent leeches a file from our seeder over WebRTC.
 *
 * Beside it, in turn, what the parts allow on this machine: the same torrent from a process that
 * does nothing but copy blocks out of memory into the channel, and as many bytes over a channel
 * with no torrent, no hash and no file on either side. All of them share the machine's cores with
 * Chromium, so CPU seconds of both sides are told too. No STUN: nothing outside takes part.
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserServer, chromium, type Page } from 'playwright-core'
import type { Running } from '../test/system/process.ts'
import type { BareAnswer, BareOrder } from './bare-channel-process.ts'
import { servePage } from './browser-page.ts'
import { saveTorrent, type WireTorrent, writeRandom } from './content.ts'
import type { Figure } from './figure.ts'
import { startLineProcess } from './line-process.ts'
import type { MemoryAnnounce, MemoryContent } from './memory-seeder.ts'
import { scrape } from './metrics-page.ts'
import { type BenchOwner, withOwner } from './owner.ts'
import { cpuSeconds } from './process-usage.ts'
import { largeBytes, ROUNDS, sizeText } from './scale.ts'
import { pidOf, publishFile, startOneProcess } from './swarmgate.ts'

const SIZE = largeBytes(60e6)
const CHROMIUM = '/usr/bin/chromium'
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-quic'
]
/** How long the seeder may take to announce itself to browsers. */
const LISTED_MS = 15_000
const BARE_PROCESS = fileURLToPath(new URL('./bare-channel-process.ts', import.meta.url))
const MEMORY_SEEDER = fileURLToPath(new URL('./memory-seeder.ts', import.meta.url))
const OURS = 'Swarmgate’s seeder'
const MEMORY = 'blocks out of memory to the same page'
const BARE = 'a bare data channel to the same page'
const LEECHES = `Chromium over WebRTC: leeches ${sizeText(SIZE)}`
const CONNECT = {
  name: 'Chromium over WebRTC: from its offer to the connection',
  unit: 'ms',
  aim: '≤ 1000 ms'
} as const
const RATE = { name: LEECHES, unit: 'MB/s', aim: '≥ 20 MB/s' } as const
const CPU_SENDER = { name: `${LEECHES}, CPU of the sender`, unit: 'CPU s per GiB' } as const
const CPU_BROWSER = { name: `${LEECHES}, CPU of Chromium`, unit: 'CPU s per GiB' } as const

interface Sample {
  readonly seconds: number
  readonly senderCpu: number
  readonly browserCpu: number
  /** Of who is found through a tracker. */
  readonly connectMs?: number
}

/** Somebody who sends to the page. */
interface Sender {
  readonly subject: string
  readonly pid: number
  /** What to do before its time runs; returns the call of the page that takes the time. */
  prepare(page: Page): Promise<string>
}

interface Rig {
  readonly server: BrowserServer
  readonly browser: Browser
  readonly page: string
}

export async function benchBrowser(): Promise<Figure[]> {
  if (!existsSync(CHROMIUM)) return missingFigures(`there is no ${CHROMIUM}`)
  return withOwner(async (owner) => {
    const folder = await owner.folder()
    const node = await startOneProcess(owner)
    const file = await writeRandom(folder, 'page.bin', SIZE)
    const before = await announcesOfBrowsers(node)
    const { infoHash } = await publishFile(node, file, 'page.bin')
    const url = `${node.addresses.gateway}/${infoHash}.torrent`
    const torrent = await saveTorrent(url, folder)
    const announce = node.addresses.announce?.find((url) => url.startsWith('ws'))
    if (announce === undefined) return missingFigures('the tracker has no WebSocket')
    if (!(await isListed(node, before))) {
      return missingFigures('engine does not announce itself to browsers')
    }
    const rig = await openRig(owner)
    const senders = [
      await torrentSender(OURS, pidOf(node), torrent, announce),
      await memorySender(owner, file, torrent),
      bareSender(owner)
    ]
    const samples = new Map<Sender, Sample[]>(senders.map((sender) => [sender, []]))
    for (let round = 0; round < ROUNDS; round++) {
      for (const sender of senders) samples.get(sender)?.push(await take(rig, sender))
    }
    return figuresOf(samples)
  })
}

async function openRig(owner: BenchOwner): Promise<Rig> {
  const page = await servePage(owner)
  const server = await chromium.launchServer({ executablePath: CHROMIUM, args: ARGUMENTS })
  owner.teardown(() => server.close())
  const browser = await chromium.connect(server.wsEndpoint())
  owner.teardown(() => browser.close())
  return { server, browser, page }
}

async function torrentSender(
  subject: string,
  pid: number,
  torrent: WireTorrent,
  announce: string
): Promise<Sender> {
  const file = JSON.stringify([...(await readFile(torrent.file))])
  const call = `leech(${file}, ${JSON.stringify(announce)})`
  return { subject, pid, prepare: async () => call }
}

async function memorySender(
  owner: BenchOwner,
  file: string,
  torrent: WireTorrent
): Promise<Sender> {
  const { infoHash, geometry } = torrent.metainfo
  const seeder = startLineProcess<MemoryAnnounce>(owner, process.execPath, [MEMORY_SEEDER])
  const content: MemoryContent = { file, infoHash, pieceLength: geometry.pieceLength }
  seeder.say(content)
  return torrentSender(MEMORY, seeder.pid, torrent, (await seeder.next()).url)
}

function bareSender(owner: BenchOwner): Sender {
  const bare = startLineProcess<BareAnswer>(owner, process.execPath, [BARE_PROCESS])
  async function prepare(page: Page): Promise<string> {
    const order: BareOrder = { sdp: await page.evaluate<string>('offer()'), bytes: SIZE }
    bare.say(order)
    const { sdp } = await bare.next()
    return `drain(${JSON.stringify(sdp)}, ${SIZE})`
  }
  return { subject: BARE, pid: bare.pid, prepare }
}

/** In a new profile, so that nothing is stored already. */
async function take({ server, browser, page: url }: Rig, sender: Sender): Promise<Sample> {
  const cpu = () => Promise.all([sender.pid, server.process().pid ?? 0].map(cpuSeconds))
  const context = await browser.newContext()
  try {
    const page = await context.newPage()
    await page.goto(url)
    await page.waitForFunction('window.ready')
    const call = await sender.prepare(page)
    const [senderBefore = 0, browserBefore = 0] = await cpu()
    const times = await page.evaluate<Pick<Sample, 'seconds' | 'connectMs'>>(call)
    const [senderAfter = 0, browserAfter = 0] = await cpu()
    return {
      ...times,
      senderCpu: senderAfter - senderBefore,
      browserCpu: browserAfter - browserBefore
    }
  } finally {
    await context.close()
  }
}

async function isListed(node: Running, before: number): Promise<boolean> {
  const until = performance.now() + LISTED_MS
  while (performance.now() < until) {
    if ((await announcesOfBrowsers(node)) > before) return true
    await delay(100)
  }
  return false
}

async function announcesOfBrowsers(node: Running): Promise<number> {
  const metrics = await scrape(node)
  return metrics.sum('swarmgate_tracker_announces_total', { protocol: 'ws' })
}

function figuresOf(samples: ReadonlyMap<Sender, readonly Sample[]>): Figure[] {
  const rows = (figure: Pick<Figure, 'name' | 'unit' | 'aim'>, value: (sample: Sample) => number) =>
    [...samples].map(([{ subject }, taken]) => ({ ...figure, subject, samples: taken.map(value) }))
  const perGib = (seconds: number) => (seconds * 2 ** 30) / SIZE
  const [connect] = rows(CONNECT, ({ connectMs }) => connectMs ?? Number.NaN)
  return [
    ...(connect === undefined ? [] : [connect]),
    ...rows(RATE, ({ seconds }) => SIZE / seconds / 1e6),
    ...rows(CPU_SENDER, ({ senderCpu }) => perGib(senderCpu)),
    ...rows(CPU_BROWSER, ({ browserCpu }) => perGib(browserCpu))
  ]
}

function missingFigures(missing: string): Figure[] {
  return [CONNECT, RATE].map((figure) => ({ ...figure, subject: OURS, samples: [], missing }))
}
