import t from 'tap'
import { createMetrics } from '../../../lib/metrics/metrics.ts'
import { createAnnounce } from '../../../tracker/announce/announce.ts'
import { NEEDS_IPV6 } from '../../fakes/ipv6.ts'
import { silentLog } from '../../fakes/silent-log.ts'
import { announceHttp, compactPeers } from './http-peer.ts'
import { hashOf, openTracker } from './tracker-fixture.ts'
import { announceDatagram, header, openUdpPeer } from './udp-peer.ts'

const infoHash = hashOf(1)
const PROTOCOL_ID = Buffer.from('0000041727101980', 'hex')

t.test('a client connects, announces and finds the peers of HTTP', async (t) => {
  const { port } = await openTracker(t, { intervalMs: 600_000 })
  await announceHttp(port, { infoHash, port: 7001, left: 0 })
  const peer = await openUdpPeer(t, port)
  const id = await peer.connect()
  t.notOk(id.equals(PROTOCOL_ID), 'the id is a secret')
  const answer = await peer.ask(announceDatagram(id, { infoHash, port: 7002, event: 2 }))
  t.equal(answer.readUInt32BE(0), 1)
  t.equal(answer.readUInt32BE(4), 99)
  t.same(
    [8, 12, 16].map((at) => answer.readUInt32BE(at)),
    [600, 1, 1]
  )
  t.same(compactPeers(answer.subarray(20)), ['127.0.0.1:7001'])
})

t.test('an id is used again and again', async (t) => {
  const { port } = await openTracker(t)
  const peer = await openUdpPeer(t, port)
  const id = await peer.connect()
  for (const event of [2, 0, 1, 3]) {
    const answer = await peer.ask(announceDatagram(id, { infoHash, port: 7001, event, left: 0n }))
    t.equal(answer.readUInt32BE(16), event === 3 ? 0 : 1)
  }
})

t.test('the address in the datagram is not believed', async (t) => {
  const { port } = await openTracker(t)
  const peer = await openUdpPeer(t, port)
  const id = await peer.connect()
  await peer.ask(announceDatagram(id, { infoHash, port: 7001, ip: '1.2.3.4' }))
  const answer = await announceHttp(port, { infoHash, port: 7002 })
  t.same(compactPeers(answer.get('peers')), ['127.0.0.1:7001'])
})

t.test('numwant bounds the answer, zero included, and options may follow', async (t) => {
  const { port } = await openTracker(t)
  const peer = await openUdpPeer(t, port)
  const id = await peer.connect()
  for (const n of [7001, 7002, 7003]) await announceHttp(port, { infoHash, port: n })
  const options = Buffer.from('02092f616e6e6f756e636500', 'hex')
  for (const [numwant, count] of [
    [0, 0],
    [2, 2],
    [-1, 3]
  ] as const) {
    const ask = announceDatagram(id, { infoHash, port: 7009, numwant, options })
    t.equal((await peer.ask(ask)).length, 20 + count * 6)
  }
})

t.test('a scrape answers in the order asked, repetitions included', async (t) => {
  const { port } = await openTracker(t)
  await announceHttp(port, { infoHash, port: 7001, left: 0 })
  await announceHttp(port, { infoHash, port: 7002 })
  const peer = await openUdpPeer(t, port)
  const id = await peer.connect()
  const hashes = Buffer.from([infoHash, hashOf(2), infoHash].join(''), 'hex')
  const answer = await peer.ask(Buffer.concat([header(id, 2, 5), hashes]))
  t.same(
    Array.from({ length: answer.length / 4 }, (_, n) => answer.readUInt32BE(n * 4)),
    [2, 5, 1, 0, 1, 0, 0, 0, 1, 0, 1]
  )
})

t.test('a refusal is an error with the reason', async (t) => {
  const { port } = await openTracker(t, {}, { approve: async () => false })
  const peer = await openUdpPeer(t, port)
  const id = await peer.connect()
  const answer = await peer.ask(announceDatagram(id, { infoHash, port: 7001 }))
  t.same([answer.readUInt32BE(0), answer.readUInt32BE(4)], [3, 99])
  t.equal(answer.subarray(8).toString(), 'not published here')
})

t.test('a request that is not understood is an error, if the sender is real', async (t) => {
  const { port, metric } = await openTracker(t)
  const peer = await openUdpPeer(t, port)
  const id = await peer.connect()
  const answer = await peer.ask(announceDatagram(id, { infoHash, port: 0 }))
  t.match(answer.toString(), /port must be/)
  t.match((await peer.ask(header(id, 77, 1))).toString(), /unknown action/)
  t.match(await metric('swarmgate_tracker_announces_total'), /event="none",result="invalid"\} 2$/)
})

t.test('without an id of ours nothing is answered and nothing kept', async (t) => {
  const { port, metric } = await openTracker(t)
  const peer = await openUdpPeer(t, port)
  const id = await peer.connect()
  const forged = Buffer.from(id)
  forged[7] = (forged[7] ?? 0) ^ 1
  for (const bad of [PROTOCOL_ID, Buffer.alloc(8), forged]) {
    await peer.send(announceDatagram(bad, { infoHash, port: 7001 }))
    await peer.send(Buffer.concat([header(bad, 2, 1), Buffer.from(infoHash, 'hex')]))
  }
  await peer.send(header(id, 0, 1))
  const next = await peer.ask(header(PROTOCOL_ID, 0, 4242))
  t.equal(next.readUInt32BE(4), 4242, 'the first answer is to the honest question')
  t.equal(await metric('swarmgate_tracker_swarms'), 'swarmgate_tracker_swarms 0')
})

t.test('an id of one address is worth nothing at another', async (t) => {
  const { port } = await openTracker(t)
  const honest = await openUdpPeer(t, port)
  const id = await honest.connect()
  const answer = await announceHttp(port, { infoHash, port: 7001 }, { localAddress: '127.0.0.9' })
  t.equal(answer.get('incomplete'), 1)
  const elsewhere = await openUdpPeer(t, port, { localAddress: '127.0.0.9' })
  await elsewhere.send(announceDatagram(id, { infoHash, port: 7002 }))
  const own = await elsewhere.connect()
  const reply = await elsewhere.ask(announceDatagram(own, { infoHash, port: 7003 }))
  t.equal(reply.readUInt32BE(12), 2, '7002 was never listed')
})

t.test(
  'IPv6 peers get entries of eighteen bytes, mapped IPv4 ones of six',
  { ...NEEDS_IPV6 },
  async (t) => {
    const announce = createAnnounce(
      {},
      { approve: async () => true, log: silentLog, metrics: createMetrics() }
    )
    t.teardown(announce.close)
    const port = await announce.listenUdp('::', 0)
    for (const [host, entry] of [
      ['::1', `${'00'.repeat(15)}011b59`],
      ['127.0.0.1', '7f0000011b59']
    ] as const) {
      const peer = await openUdpPeer(t, port, { host })
      const id = await peer.connect()
      await peer.ask(announceDatagram(id, { infoHash, port: 7001 }))
      const answer = await peer.ask(announceDatagram(id, { infoHash, port: 7002 }))
      t.equal(answer.subarray(20).toString('hex'), entry)
    }
  }
)

t.test('a port that is taken is an error, and another may be tried', async (t) => {
  const { port } = await openTracker(t)
  const announce = createAnnounce(
    {},
    { approve: async () => true, log: silentLog, metrics: createMetrics() }
  )
  t.teardown(announce.close)
  await t.rejects(announce.listenUdp('127.0.0.1', port), { code: 'EADDRINUSE' })
  t.ok(await announce.listenUdp('localhost', 0))
  await t.rejects(announce.listenUdp('127.0.0.1', 0), /already/)
})
