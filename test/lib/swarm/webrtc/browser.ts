/** A real Chromium with stock webtorrent in a page, for tests that can do without it. */
import { access, readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { chromium, type Page } from 'playwright-core'
import type { Test } from 'tap'
import { ownAddress } from '../interop-client.ts'

const CHROMIUM = '/usr/bin/chromium'
const WEBTORRENT = new URL(
  '../../../../node_modules/webtorrent/dist/webtorrent.min.js',
  import.meta.url
)
/** A browser starts slowly on a starved machine. */
const PATIENCE_MS = 300_000
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-quic'
]

/** What the page can do; bytes travel as base64, and `sha256` of a download as hex. */
const PAGE = `<!doctype html><meta charset="utf-8"><script type="module">
import WebTorrent from '/webtorrent.min.js'
// No STUN servers: nothing outside this machine takes part.
const client = new WebTorrent({ tracker: { rtcConfig: { iceServers: [] } } })
const bytesOf = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
const hex = (buffer) => Array.from(new Uint8Array(buffer), (b) => b.toString(16).padStart(2, '0')).join('')
const failed = new Promise((_, reject) => client.on('error', reject))

window.leech = (file, announce) => Promise.race([failed, new Promise((resolve) => {
  const startedAt = performance.now()
  let connectedMs
  const torrent = client.add(bytesOf(file), { announce: [announce] })
  torrent.once('wire', () => { connectedMs = performance.now() - startedAt })
  torrent.once('done', async () => {
    const doneMs = performance.now() - startedAt
    const bytes = await torrent.files[0].arrayBuffer()
    resolve({ connectedMs, doneMs, sha256: hex(await crypto.subtle.digest('SHA-256', bytes)) })
  })
})])

window.seed = (content, name, pieceLength, announce) => Promise.race([failed, new Promise((resolve) => {
  const options = { name, pieceLength, announceList: [[announce]] }
  client.seed(new File([bytesOf(content)], name), options, (torrent) => resolve(torrent.infoHash))
})])
window.ready = true
</script>`

/** A page with `leech` and `seed`; undefined, and a comment, when no Chromium starts here. */
export async function openBrowser(t: Test): Promise<Page | undefined> {
  const isThere = await access(CHROMIUM).then(
    () => true,
    () => false
  )
  if (!isThere) {
    t.comment(`no Chromium at ${CHROMIUM}: not tested against a browser`)
    return undefined
  }
  if (ownAddress('IPv4') === undefined) {
    t.comment('no address but the loopback, which a browser tells nobody: not tested against one')
    return undefined
  }
  const url = await servePage(t)
  const timeout = PATIENCE_MS
  const browser = await chromium
    .launch({ executablePath: CHROMIUM, args: ARGUMENTS, timeout })
    .catch((err: Error) => void t.comment(`${CHROMIUM} does not start here: ${err.message}`))
  if (browser === undefined) return undefined
  t.teardown(() => browser.close())
  const page = await browser.newPage()
  page.setDefaultTimeout(timeout)
  page.on('console', (message) => t.comment(`page: ${message.text()}`))
  await page.goto(url)
  await page.waitForFunction('window.ready')
  return page
}

async function servePage(t: Test): Promise<string> {
  const script = await readFile(WEBTORRENT)
  const server = createServer((request, response) => {
    const isScript = request.url === '/webtorrent.min.js'
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    response.end(isScript ? script : PAGE)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`
}
