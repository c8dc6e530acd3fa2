import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { createPolicy } from '../../../tracker/announce/policy.ts'
import { Shell } from '../../../tracker/announce/shell.ts'
import { createSignalling } from '../../../tracker/announce/signalling.ts'
import { SwarmStore } from '../../../tracker/announce/swarm-store.ts'
import { silentLog } from '../../fakes/silent-log.ts'
import { get } from './http-peer.ts'
import { hashOf, openTracker } from './tracker-fixture.ts'
import { announceMessage, binary, id20, offer, openWsPeer } from './ws-peer.ts'

const infoHash = hashOf(1)
const raw = binary(infoHash)

t.test('an offer reaches the other peer, and its answer comes back', async (t) => {
  const { port } = await openTracker(t, { intervalMs: 600_000 })
  const alice = await openWsPeer(t, port)
  const bob = await openWsPeer(t, port)
  const welcome = await alice.ask(announceMessage(infoHash, 'alice', { left: 0 }))
  t.same(welcome, { action: 'announce', info_hash: raw, complete: 1, incomplete: 0, interval: 120 })
  bob.send(announceMessage(infoHash, 'bob', { offers: [offer('o1'), offer('o2')] }))
  t.match(await bob.next(), { complete: 1, incomplete: 1 })
  const offered = await alice.next()
  t.same(offered, {
    action: 'announce',
    info_hash: raw,
    peer_id: id20('bob'),
    offer_id: id20('o1'),
    offer: { type: 'offer', sdp: 'sdp of o1' }
  })
  alice.send(
    announceMessage(infoHash, 'alice', {
      to_peer_id: offered.peer_id,
      offer_id: offered.offer_id,
      answer: { type: 'answer', sdp: 'yes' }
    })
  )
  t.same(await bob.next(), {
    action: 'announce',
    info_hash: raw,
    peer_id: id20('alice'),
    offer_id: id20('o1'),
    answer: { type: 'answer', sdp: 'yes' }
  })
})

t.test('answering does not turn a seed into a leecher', async (t) => {
  const { port } = await openTracker(t)
  const seed = await openWsPeer(t, port)
  await seed.ask(announceMessage(infoHash, 'seed', { left: 0 }))
  const leecher = await openWsPeer(t, port)
  leecher.send(announceMessage(infoHash, 'leecher', { offers: [offer('o')] }))
  await leecher.next()
  await seed.next()
  const answer = { type: 'answer', sdp: 'yes' }
  const addressed = { to_peer_id: id20('leecher'), offer_id: id20('o'), answer, left: 5 }
  seed.send(announceMessage(infoHash, 'seed', addressed))
  await leecher.next()
  t.match(await leecher.ask({ action: 'scrape', info_hash: raw }), {
    action: 'scrape',
    files: { [raw]: { complete: 1, incomplete: 1, downloaded: 0 } }
  })
})

t.test('nothing a client adds to an offer is relayed', async (t) => {
  const { port } = await openTracker(t)
  const alice = await openWsPeer(t, port)
  await alice.ask(announceMessage(infoHash, 'alice'))
  const bob = await openWsPeer(t, port)
  const more = { ...offer('o'), evil: 1, offer: { type: 'offer', sdp: 's', toString: 'x' } }
  bob.send(announceMessage(infoHash, 'bob', { offers: [more] }))
  t.same(Object.keys(await alice.next()).sort(), [
    ...['action', 'info_hash', 'offer', 'offer_id', 'peer_id']
  ])
})

t.test('a socket acts for one peer id only', async (t) => {
  const { port } = await openTracker(t)
  const peer = await openWsPeer(t, port)
  await peer.ask(announceMessage(infoHash, 'me'))
  t.match(await peer.ask(announceMessage(infoHash, 'you')), {
    'failure reason': 'this socket acts for another peer_id'
  })
  t.match(await peer.ask(announceMessage(infoHash, 'me')), { incomplete: 1 })
})

t.test('a peer that closes its socket leaves its swarms', async (t) => {
  const { port, metric } = await openTracker(t)
  const peer = await openWsPeer(t, port)
  const other = await openWsPeer(t, port)
  await peer.ask(announceMessage(infoHash, 'me'))
  await peer.ask(announceMessage(hashOf(2), 'me'))
  t.match(await metric('swarmgate_tracker_peers{family="webrtc"}'), / 2$/)
  peer.close()
  await peer.closed
  // The server's end of the socket may close a moment later.
  while (!(await metric('swarmgate_tracker_peers{family="webrtc"}'))?.endsWith(' 0')) {
    await other.ask({ action: 'scrape', info_hash: raw })
  }
  t.match(await other.ask(announceMessage(infoHash, 'other')), { incomplete: 1 })
})

t.test('a peer that stops leaves the swarm and keeps its socket', async (t) => {
  const { port } = await openTracker(t)
  const peer = await openWsPeer(t, port)
  await peer.ask(announceMessage(infoHash, 'me'))
  t.match(await peer.ask(announceMessage(infoHash, 'me', { event: 'stopped' })), { incomplete: 0 })
  t.match(await peer.ask(announceMessage(infoHash, 'me')), { incomplete: 1 })
})

t.test('a refusal names the torrent and the reason', async (t) => {
  const { port } = await openTracker(t, {}, { approve: async () => false })
  const peer = await openWsPeer(t, port)
  t.same(await peer.ask(announceMessage(infoHash, 'me', { offers: [offer('o')] })), {
    action: 'announce',
    'failure reason': 'not published here',
    info_hash: raw
  })
})

t.test('a malformed message is answered, and the socket lives on', async (t) => {
  const { port, complaints } = await openTracker(t)
  const peer = await openWsPeer(t, port)
  for (const text of ['', 'null', '5', '[]', '{', '{"action":"announce","offers":[null]}']) {
    peer.sendText(text)
    t.ok('failure reason' in (await peer.next()), text)
  }
  t.match(await peer.ask(announceMessage(infoHash, 'me')), { incomplete: 1 })
  t.same(complaints, [])
})

t.test('offers of null crash nobody, with another peer in the swarm', async (t) => {
  const { port } = await openTracker(t)
  const alice = await openWsPeer(t, port)
  await alice.ask(announceMessage(infoHash, 'alice'))
  const mallory = await openWsPeer(t, port)
  for (const offers of [[null], [offer('o'), null], [{}], 'xx', { length: 1 }]) {
    t.match(await mallory.ask(announceMessage(infoHash, 'mallory', { offers })), {
      'failure reason': 'malformed offers'
    })
  }
  t.match(await alice.ask(announceMessage(infoHash, 'alice')), { incomplete: 1 })
})

t.test('a message beyond the bound ends the socket, and only that', async (t) => {
  const { port, complaints } = await openTracker(t)
  const bystander = await openWsPeer(t, port)
  const peer = await openWsPeer(t, port)
  peer.sendText(`"${'x'.repeat(200_000)}"`)
  await peer.closed
  t.match(await bystander.ask(announceMessage(infoHash, 'me')), { incomplete: 1 })
  t.same(complaints, [])
})

t.test('sockets beyond the bound are refused until one closes', async (t) => {
  const { port } = await openTracker(t, { maxSockets: 1 })
  const first = await openWsPeer(t, port)
  await t.rejects(openWsPeer(t, port))
  await first.ask(announceMessage(infoHash, 'me'))
  first.close()
  let second = await openWsPeer(t, port).catch(() => undefined)
  while (second === undefined) second = await openWsPeer(t, port).catch(() => undefined)
  t.match(await second.ask(announceMessage(infoHash, 'me')), { incomplete: 1 })
})

t.test('a peer that reads nothing is ended before its answers fill the memory', async (t) => {
  const { port } = await openTracker(t)
  const deaf = await openRawSocket(t, port)
  deaf.write(textFrame(JSON.stringify(announceMessage(infoHash, 'deaf'))))
  const talker = await openWsPeer(t, port)
  const big = { offer_id: id20('o'), offer: { type: 'offer', sdp: 'x'.repeat(16_000) } }
  const message = announceMessage(infoHash, 'talker', { offers: [big] })
  let others = 0
  for (let heard = false, sent = 0; !heard || others > 1; sent += 1) {
    others = Number((await talker.ask(message)).incomplete)
    heard ||= others > 1
    if (sent > 5000) throw new Error('the deaf peer is still there')
  }
  t.equal(others, 1)
})

t.test('a socket that answers no ping is ended at the second, another is not', async (t) => {
  const { port, signalling } = await openSignalling(t)
  const deaf = await openRawSocket(t, port)
  const peer = await openWsPeer(t, port)
  signalling.heartbeat()
  t.ok('failure reason' in (await peer.ask({})))
  const ended = new Promise((resolve) => deaf.on('close', resolve))
  deaf.resume()
  signalling.heartbeat()
  await ended
  t.ok('failure reason' in (await peer.ask({})))
})

t.test('an upgrade that is no WebSocket handshake is refused', async (t) => {
  const { port } = await openTracker(t)
  const headers = { Connection: 'Upgrade', Upgrade: 'websocket' }
  t.equal((await get(port, '/', { headers })).status, 400)
})

/** The signalling alone, whose heart beats by hand. */
async function openSignalling(t: Test) {
  const store = new SwarmStore({ maxSwarms: 1, maxPeersPerSwarm: 1, maxPeers: 1, peerTtlS: 1 })
  const approval = { ask: async () => 'approved' as const }
  const policy = createPolicy({ approval, store, nowS: () => 0, log: silentLog })
  const shell = new Shell({ intervalMs: 1000, minIntervalMs: 1000 }, { policy, log: silentLog })
  const metrics = { decided() {}, invalid() {} }
  const signalling = createSignalling({ maxSockets: 9 }, { shell, store, metrics, log: silentLog })
  const server = createServer().on('upgrade', signalling.handleUpgrade)
  t.teardown(async () => {
    await signalling.close()
    server.close()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { port: (server.address() as AddressInfo).port, signalling }
}

/** A WebSocket connection made by hand, which neither reads nor answers. */
async function openRawSocket(t: Test, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.on('error', () => {})
  const key = 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13'
  socket.write(
    `GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${key}\r\n\r\n`
  )
  await once(socket, 'data')
  socket.pause()
  return socket
}

/** A client's text frame (RFC 6455 §5.2) of 126 to 65535 bytes, masked with zeros. */
function textFrame(text: string): Buffer {
  const payload = Buffer.from(text)
  const head = Buffer.alloc(8)
  head.set([0x81, 0x80 | 126])
  head.writeUInt16BE(payload.length, 2)
  return Buffer.concat([head, payload])
}
