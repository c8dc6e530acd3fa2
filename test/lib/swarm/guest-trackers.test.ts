import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { encodeBencode } from '../../../core/bencode.ts'
import { type InfoHash, parseInfoHash } from '../../../core/info-hash.ts'
import type { PeerAddress } from '../../../lib/swarm/contract.ts'
import { createGuestTrackers, type Resolve } from '../../../lib/swarm/guest-trackers.ts'
import { silentLog as log } from '../../fakes/silent-log.ts'
import { announced, CONNECTED, openUdpTracker } from './udp-fake-tracker.ts'

const infoHash = parseInfoHash('00112233445566778899aabbccddeeff01234567') as InfoHash
const PEERS = Buffer.from([192, 0, 2, 1, 0x1a, 0xe1, 10, 0, 0, 1, 0x1a, 0xe1])
const PUBLIC = { host: '192.0.2.1', port: 6881, class: 'stranger' }

async function httpTracker(t: Test, answer: Uint8Array = encodeBencode({ peers: PEERS })) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    if (request.url?.startsWith('/moved')) {
      response.writeHead(302, { location: '/announce' })
      response.end()
    } else response.end(answer)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { asked, port, url: `http://127.0.0.1:${port}/announce?key=1` }
}

function open(t: Test, resolve?: Resolve) {
  const peers: PeerAddress[] = []
  const guests = createGuestTrackers(
    { port: () => 6999 },
    { log, onPeers: (_infoHash, found) => peers.push(...found), ...(resolve && { resolve }) }
  )
  t.teardown(() => guests.close())
  return {
    peers,
    consult: (urls: readonly string[], near: boolean) => guests.consult(infoHash, urls, near)
  }
}

t.test('for somebody on this machine trackers over HTTP and UDP are asked once', async (t) => {
  const http = await httpTracker(t)
  const udp = await openUdpTracker(t, ({ kind }) =>
    kind === 'connect' ? CONNECTED() : announced(900, PEERS)
  )
  const { peers, consult } = open(t)
  await consult([http.url, udp.url], true)
  t.equal(http.asked.length, 1)
  t.match(http.asked[0], /^\/announce\?key=1&info_hash=%00%11.*&port=6999&.*&left=1&/)
  t.same(udp.kinds(), ['connect', 'announce'])
  t.match(peers, [PUBLIC, { host: '10.0.0.1' }, PUBLIC, { host: '10.0.0.1' }])
})

t.test('for anybody else nobody in a private network is reached', async (t) => {
  const http = await httpTracker(t)
  const udp = await openUdpTracker(t, () => CONNECTED())
  const names: string[] = []
  const { peers, consult } = open(t, async (host) => {
    names.push(host)
    return [{ address: '127.0.0.1', family: 4 }]
  })
  const { port } = http
  const udpPort = new URL(udp.url).port
  await consult(
    [
      http.url,
      udp.url,
      `http://localhost:${port}/announce`,
      `http://2130706433:${port}/announce`,
      `http://[::ffff:127.0.0.1]:${port}/announce`,
      `http://rebinding.test:${port}/announce`,
      `udp://rebinding.test:${udpPort}`,
      `udp://2130706433:${udpPort}`
    ],
    false
  )
  t.same(http.asked, [])
  t.same(udp.kinds(), [])
  t.same(peers, [])
  t.same(names.toSorted(), ['2130706433', 'rebinding.test', 'rebinding.test'])
})

t.test('a name that has public addresses too is reached there only', async (t) => {
  const asked: string[][] = []
  const { consult } = open(t, async () => {
    asked.push([])
    return [
      { address: '127.0.0.1', family: 4 },
      { address: '10.1.2.3', family: 4 }
    ]
  })
  const http = await httpTracker(t)
  await consult([`http://both.test:${http.port}/`], false)
  t.equal(asked.length, 1)
  t.same(http.asked, [])
})

t.test('a tracker that points elsewhere is not followed', async (t) => {
  const http = await httpTracker(t)
  const { peers, consult } = open(t)
  await consult([`http://127.0.0.1:${http.port}/moved`], true)
  t.equal(http.asked.length, 1)
  t.same(peers, [])
})

t.test('what is no announce URL is left out, and so is the eleventh', async (t) => {
  const http = await httpTracker(t)
  const { consult } = open(t)
  const odd = ['', 'x', 'wss://t.test', 'file:///etc/passwd', `http://u:p@127.0.0.1:${http.port}/`]
  const many = Array.from({ length: 15 }, (_, n) => `http://127.0.0.1:${http.port}/${n}`)
  await consult([...odd, ...many], true)
  t.equal(http.asked.length, 10)
})

t.test('an answer that never ends or means nothing gives nobody', async (t) => {
  const { peers, consult } = open(t)
  const huge = await httpTracker(t, Buffer.alloc(300 * 1024, 'x'))
  const rubbish = await httpTracker(t, Buffer.from('hello'))
  await consult([huge.url, rubbish.url], true)
  t.same(peers, [])
})
