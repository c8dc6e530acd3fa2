/**
 * A browser as a peer: Chromium with stock webtorrent leeches a file from our seeder over WebRTC.
 *
 * Its time runs from the announce that carries its offers to the wire that comes of one, and from
 * there to the last verified piece. No STUN: nothing outside this machine takes part.
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { type Browser, chromium } from 'playwright-core'
import type { Running } from '../test/system/process.ts'
import { saveTorrent, writeRandom } from './content.ts'
import type { Figure } from './figure.ts'
import { scrape } from './metrics-page.ts'
import { type BenchOwner, withOwner } from './owner.ts'
import { largeBytes, ROUNDS, sizeText } from './scale.ts'
import { publishFile, startOneProcess } from './swarmgate.ts'

const SIZE = largeBytes(60e6)
const CHROMIUM = '/usr/bin/chromium'
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-quic'
]
const LIMIT_MS = 60_000
/** How long the seeder may take to announce itself to browsers. */
const LISTED_MS = 15_000
const SCRIPT = new URL('../node_modules/webtorrent/dist/webtorrent.min.js', import.meta.url)
const CONNECT = 'Chromium over WebRTC: from its offer to the connection'
const RATE = `Chromium over WebRTC: leeches ${sizeText(SIZE)}`

/** Leeches on `leech(torrent, announce)`; what was sent on the WebSocket says when it offered. */
const PAGE = `<!doctype html><meta charset="utf-8"><script type="module">
import WebTorrent from '/webtorrent.min.js'
let offeredAt
const send = WebSocket.prototype.send
WebSocket.prototype.send = function (message) {
  if (/"offers":\\[\\{/.test(message)) offeredAt ??= performance.now()
  return send.call(this, message)
}
const client = new WebTorrent({ tracker: { rtcConfig: { iceServers: [] } } })
window.leech = (file, announce) => new Promise((resolve, reject) => {
  client.on('error', reject)
  const torrent = client.add(Uint8Array.from(file), { announce: [announce] })
  let wiredAt
  torrent.once('wire', () => { wiredAt = performance.now() })
  torrent.once('done', () => resolve({
    connectMs: wiredAt - offeredAt,
    seconds: (performance.now() - wiredAt) / 1000
  }))
  setTimeout(() => reject(new Error(wiredAt ? 'stalled' : 'not connected')), ${LIMIT_MS})
})
window.ready = true
</script>`

interface Sample {
  readonly connectMs: number
  readonly seconds: number
}

export async function benchBrowser(): Promise<Figure[]> {
  if (!existsSync(CHROMIUM)) return figuresOf([], `there is no ${CHROMIUM}`)
  return withOwner(async (owner) => {
    const folder = await owner.folder()
    const node = await startOneProcess(owner)
    const file = await writeRandom(folder, 'page.bin', SIZE)
    const before = await announcesOfBrowsers(node)
    const { infoHash } = await publishFile(node, file, 'page.bin')
    const url = `${node.addresses.gateway}/${infoHash}.torrent`
    const torrent = [...(await readFile((await saveTorrent(url, folder)).file))]
    const announce = node.addresses.announce?.find((url) => url.startsWith('ws'))
    if (announce === undefined) return figuresOf([], 'the tracker has no WebSocket')
    if (!(await isListed(node, before))) {
      return figuresOf([], `engine does not announce itself to browsers`)
    }
    const page = await servePage(owner)
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS })
    owner.teardown(() => browser.close())
    const samples: Sample[] = []
    for (let round = 0; round < ROUNDS; round++) {
      samples.push(await leech(browser, page, torrent, announce))
    }
    return figuresOf(samples)
  })
}

/** In a new profile, so that nothing is stored already. */
async function leech(
  browser: Browser,
  url: string,
  torrent: readonly number[],
  announce: string
): Promise<Sample> {
  const context = await browser.newContext()
  try {
    const page = await context.newPage()
    await page.goto(url)
    await page.waitForFunction('window.ready')
    const call = `leech(${JSON.stringify(torrent)}, ${JSON.stringify(announce)})`
    return await page.evaluate<Sample>(call)
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

async function servePage(owner: BenchOwner): Promise<string> {
  const script = await readFile(SCRIPT)
  const server = createServer((request, response) => {
    const isScript = request.url === '/webtorrent.min.js'
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    response.end(isScript ? script : PAGE)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  owner.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

function figuresOf(samples: readonly Sample[], missing?: string): Figure[] {
  const row = { subject: 'Swarmgate’s seeder', ...(missing !== undefined && { missing }) }
  const connect = samples.map(({ connectMs }) => connectMs)
  const rate = samples.map(({ seconds }) => SIZE / seconds / 1e6)
  return [
    { ...row, name: CONNECT, unit: 'ms', samples: connect, aim: '≤ 1000 ms' },
    { ...row, name: RATE, unit: 'MB/s', samples: rate, aim: '≥ 20 MB/s' }
  ]
}
