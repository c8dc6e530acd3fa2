/** aria2c with a metalink: HTTP and BitTorrent together for one download. */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { testFolder } from '../fakes/test-folder.ts'
import { freePort, run, without } from './clients.ts'
import { type Installation, PLACES, publishAt, sentToStrangers } from './fleet.ts'
import type { Running } from './process.ts'
import { eventually, noise, sha256 } from './publish.ts'

const SIZE = 12 * 2 ** 20 + 13
const NAME = 'Film – 1.mkv'
const bytes = noise(SIZE, 22)
const digest = sha256(bytes)

const ARIA2 = [
  ...['--no-conf', '--quiet', '--allow-overwrite', '--file-allocation=none', '--seed-time=0'],
  ...['--enable-dht=false', '--enable-dht6=false', '--bt-enable-lpd=false'],
  ...['--enable-peer-exchange=false', '--bt-stop-timeout=25', '--follow-metalink=mem', '-x1']
]

/** Downloads and returns the SHA-256 of what came. */
async function aria2(t: Test, folder: string, url: string): Promise<string> {
  const port = await freePort()
  const all = [...ARIA2, `--listen-port=${port}`, `--dir=${folder}`, url]
  const { code, stdout } = await run(t, 'aria2c', all)
  t.equal(code, 0, `aria2c ends well ${stdout}`)
  return sha256(await readFile(join(folder, NAME)).catch(() => Buffer.alloc(0)))
}

/** Payload bytes that these processes have sent over the wire to peers that are no node. */
async function sentOverWire(processes: readonly Running[]): Promise<number> {
  const sent = await Promise.all(processes.map(sentToStrangers))
  return sent.reduce((sum, count) => sum + count, 0)
}

/** Content bytes that a gateway has sent over HTTP. */
async function sentOverHttp({ addresses }: Running): Promise<number> {
  const metrics = await (await fetch(`${addresses.admin}/metrics`)).text()
  const samples = metrics.matchAll(/^swarmgate_http_response_bytes_total\{[^}]*\} (\d+)/gm)
  return [...samples].reduce((sum, [, count]) => sum + Number(count), 0)
}

/**
 * A front of the gateway that passes everything on, but of a file only the beginning until a peer
 * has sent something: peers take a moment to be found, and HTTP alone would be done by then.
 */
async function patientFront(t: Test, site: Installation): Promise<string> {
  const before = await sentOverWire(site.processes)
  const peersSent = async () => (await sentOverWire(site.processes)) > before || undefined

  async function pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { url = '/', method, headers } = incoming
    const asked = request(site.gateway + url, { method, headers, agent: false }).end()
    outgoing.once('close', () => asked.destroy())
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
    for await (const chunk of answer) {
      outgoing.write(chunk)
      if (url.endsWith('.mkv')) await eventually(peersSent)
    }
    outgoing.end()
  }

  const server = createServer((incoming, outgoing) => {
    pass(incoming, outgoing).catch(() => outgoing.destroy())
  }).listen(0, '127.0.0.1')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

for (const { where, install } of PLACES) {
  t.test(`aria2c takes a metalink, ${where}`, { skip: without('aria2c') }, async (t) => {
    const data = testFolder(t)
    const site = await install(t, join(data, 'data'))
    const { infoHash } = await publishAt(site, NAME, bytes)
    for (const [way, path] of [
      ['by its URL', `/${infoHash}.meta4`],
      ['by asking for it', `/${infoHash}`]
    ] as const) {
      await t.test(way, async (t) => {
        const front = await patientFront(t, site)
        const [wire, http] = [await sentOverWire(site.processes), await sentOverHttp(site.front)]
        t.equal(await aria2(t, join(data, way), front + path), digest)
        t.ok((await sentOverWire(site.processes)) > wire, 'bytes came from peers')
        t.ok((await sentOverHttp(site.front)) > http, 'and over HTTP')
      })
    }
  })
}
