/** The least of an HTTP tracker: introduces one peer per torrent, and hears who has it whole. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { isIPv6 } from 'node:net'
import { encodeBencode } from '../../../core/bencode.ts'
import { type InfoHash, infoHashFromBytes } from '../../../core/info-hash.ts'

export interface InteropTracker {
  /** @param host one of this machine's addresses; the client announces from its family */
  url(host: string): string
  /** Whoever announces the torrent is told of this peer, and of nobody else. */
  offer(infoHash: InfoHash, host: string, port: number): void
  /** The port of the client that announced the torrent as whole; waits until one has. */
  seeding(infoHash: InfoHash): Promise<number>
  close(): Promise<void>
}

const INTERVAL_S = 3600

export async function openInteropTracker(): Promise<InteropTracker> {
  const offers = new Map<InfoHash, Record<string, Buffer>>()
  const whole = new Map<InfoHash, PromiseWithResolvers<number>>()
  const server = createServer((request, response) => {
    const { infoHash, left, port } = parseAnnounce(request.url ?? '')
    if (infoHash !== undefined && left === 0) seeder(infoHash).resolve(port)
    const peers = offers.get(infoHash ?? ('' as InfoHash)) ?? { peers: Buffer.alloc(0) }
    response.end(encodeBencode({ interval: INTERVAL_S, ...peers }))
  })
  server.listen(0, '::')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0

  function seeder(infoHash: InfoHash): PromiseWithResolvers<number> {
    const known = whole.get(infoHash) ?? Promise.withResolvers<number>()
    whole.set(infoHash, known)
    return known
  }

  return {
    url: (host) => `http://${isIPv6(host) ? `[${host}]` : host}:${port}/announce`,
    offer(infoHash, host, peerPort) {
      const compact = Buffer.concat([addressBytes(host), portBytes(peerPort)])
      const none = Buffer.alloc(0)
      const peers = isIPv6(host) ? { peers: none, peers6: compact } : { peers: compact }
      offers.set(infoHash, peers)
    },
    seeding: (infoHash) => seeder(infoHash).promise,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }
  }
}

function parseAnnounce(url: string) {
  const field = (name: string) => new RegExp(`[?&]${name}=([^&]*)`).exec(url)?.[1] ?? ''
  const bytes = Buffer.from(percentDecoded(field('info_hash')), 'latin1')
  return {
    infoHash: infoHashFromBytes(bytes),
    left: Number(field('left') || Number.NaN),
    port: Number(field('port'))
  }
}

/** Percent signs stand for bytes here, which need not be UTF-8. */
function percentDecoded(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
}

function addressBytes(host: string): Buffer {
  if (!isIPv6(host)) return Buffer.from(host.split('.').map(Number))
  const [head = '', tail] = host.split('::')
  const groups = (part: string | undefined) => (part ? part.split(':') : [])
  const zeros = 8 - groups(head).length - groups(tail).length
  const all = [...groups(head), ...Array<string>(zeros).fill('0'), ...groups(tail)]
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex')
}

function portBytes(port: number): Buffer {
  return Buffer.from([port >> 8, port & 0xff])
}
