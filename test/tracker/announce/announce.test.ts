import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { createMetrics } from '../../../lib/metrics/metrics.ts'
import { createAnnounce } from '../../../tracker/announce/announce.ts'
import { silentLog } from '../../fakes/silent-log.ts'
import { announceHttp, bytes, get, percent } from './http-peer.ts'
import { hashOf, openTracker, type TrackerFixture } from './tracker-fixture.ts'
import { announceDatagram, header, openUdpPeer } from './udp-peer.ts'
import { announceMessage, openWsPeer } from './ws-peer.ts'

const infoHash = hashOf(1)
const HASH = percent(Buffer.from(infoHash, 'hex'))
const QUERY = `info_hash=${HASH}&peer_id=${'x'.repeat(20)}`

/** It still serves, and nobody had to complain. */
async function alive(t: Test, { port, complaints }: TrackerFixture): Promise<void> {
  const answer = await announceHttp(port, { infoHash: hashOf(99), port: 7777 })
  t.equal(answer.get('incomplete'), 1)
  t.same(complaints, [])
}

t.test('the requests that end a bare bittorrent-tracker are answered', async (t) => {
  const tracker = await openTracker(t)
  await announceHttp(tracker.port, { infoHash, port: 7001 })
  const hostile = [
    `/announce?${QUERY}&port=1.5&compact=1`,
    `/announce?${QUERY}&port=7002&socket=x`,
    `/announce?${QUERY}&port=7002&socket=x&event=stopped`,
    `/announce?${QUERY}&port=7002&socket[destroyed]=&infoHashes=x&event=stopped`,
    `/announce?${QUERY}&port=7002&offers=x&numwant=5&type=ws`,
    `/announce?${QUERY}&port=7002&ip=bogus&addr=bogus&compact=1`,
    `/announce?${QUERY}&port=7002&__proto__=x&constructor=y&event=__proto__`,
    `/announce?${QUERY}&port=7002&answer=x&to_peer_id=${'y'.repeat(20)}`,
    '/announce?%E0%A4%A',
    '/announce?info_hash=%',
    `/scrape?info_hash=${'%'.repeat(60)}`,
    '/scrape?info_hash[]=x&info_hash=__proto__',
    '/announce???&&&===',
    '//announce',
    `/announce?${'info_hash=x&'.repeat(1000)}`
  ]
  for (const path of hostile) t.ok((await get(tracker.port, path)).status, path)
  await alive(t, tracker)
})

t.test('bytes that are no HTTP at all end one connection', async (t) => {
  const tracker = await openTracker(t)
  for (const junk of ['\x00\xff\x13BitTorrent protocol', 'GET /announce?\x01 HTTP/9\r\n\r\n']) {
    const socket = connect(tracker.port, '127.0.0.1')
    socket.write(junk, 'latin1')
    socket.resume()
    await new Promise((resolve) => socket.on('close', resolve))
  }
  await alive(t, tracker)
})

t.test('random and truncated datagrams are survived', async (t) => {
  const tracker = await openTracker(t)
  const peer = await openUdpPeer(t, tracker.port)
  const id = await peer.connect()
  for (const junk of fc.sample(fc.uint8Array({ maxLength: 300 }), { numRuns: 300, seed: 1 })) {
    await peer.send(Buffer.from(junk))
    await peer.send(Buffer.concat([id, Buffer.from(junk)]))
  }
  const whole = announceDatagram(id, { infoHash, port: 7001 })
  for (let length = 0; length < whole.length; length += 1) {
    await peer.send(whole.subarray(0, length))
  }
  for (const action of [0, 1, 2, 3, 0xffffffff]) await peer.send(header(id, action, 1))
  await alive(t, tracker)
})

t.test('odd WebSocket messages are survived, with others in the swarm', async (t) => {
  const tracker = await openTracker(t)
  const bystander = await openWsPeer(t, tracker.port)
  await bystander.ask(announceMessage(infoHash, 'bystander'))
  const peer = await openWsPeer(t, tracker.port)
  const values = [null, 0, -1, '', 'x', [], [null], {}, { length: 5 }, true]
  for (const field of ['offers', 'answer', 'left', 'event', 'numwant', 'info_hash', 'peer_id']) {
    for (const value of values) {
      const more = { [field]: value }
      const reply = await peer.ask(announceMessage(infoHash, 'odd', more))
      t.equal(reply.action, 'announce', JSON.stringify(more))
    }
  }
  for (const text of [
    '{"__proto__":null}',
    `${'['.repeat(20_000)}`,
    '"\\ud800"',
    '{"action":{}}'
  ]) {
    peer.sendText(text)
    t.ok('failure reason' in (await peer.next()))
  }
  await alive(t, tracker)
})

t.test('a client that leaves before its answer is no trouble', async (t) => {
  const answers: (() => void)[] = []
  let asked: (value?: unknown) => void
  const question = new Promise((resolve) => {
    asked = resolve
  })
  const approve = (hash: string) =>
    hash !== infoHash
      ? Promise.resolve(true)
      : new Promise<boolean>((resolve) => {
          answers.push(() => resolve(true))
          asked()
        })
  const tracker = await openTracker(t, {}, { approve })
  const socket = connect(tracker.port, '127.0.0.1')
  socket.write(`GET /announce?${QUERY}&port=7001 HTTP/1.1\r\nHost: x\r\n\r\n`)
  await question
  const gone = new Promise((resolve) => socket.on('close', resolve))
  socket.destroy()
  await gone
  for (const answer of answers) answer()
  await alive(t, tracker)
})

t.test(
  'a forgotten swarm is gone at once, and refused when it is no longer approved',
  async (t) => {
    const published = new Set<string>([infoHash])
    const approve = async (hash: string) => published.has(hash)
    const { port, announce, metric } = await openTracker(t, {}, { approve })
    await announceHttp(port, { infoHash, port: 7001, left: 0 })
    published.delete(infoHash)
    announce.forget(infoHash)
    t.equal(await metric('swarmgate_tracker_swarms'), 'swarmgate_tracker_swarms 0')
    const answer = await announceHttp(port, { infoHash, port: 7002 })
    t.equal(bytes(answer.get('failure reason')).toString(), 'not published here')
  }
)

t.test('announces, peers and swarms are measured', async (t) => {
  const { port, metric } = await openTracker(t)
  await announceHttp(port, { infoHash, port: 7001, event: 'started' })
  await get(port, '/announce')
  const udp = await openUdpPeer(t, port)
  await udp.ask(announceDatagram(await udp.connect(), { infoHash, port: 7002, event: 1 }))
  const ws = await openWsPeer(t, port)
  await ws.ask(announceMessage(infoHash, 'me', { event: 'started' }))
  const total = 'swarmgate_tracker_announces_total'
  for (const [labels, value] of [
    ['protocol="http",family="ipv4",event="started",result="accepted"', 1],
    ['protocol="http",family="ipv4",event="none",result="invalid"', 1],
    ['protocol="udp",family="ipv4",event="completed",result="accepted"', 1],
    ['protocol="ws",family="ipv4",event="started",result="accepted"', 1]
  ] as const) {
    t.equal(await metric(`${total}{${labels}}`), `${total}{${labels}} ${value}`)
  }
  t.match(await metric('swarmgate_tracker_peers{family="ipv4"}'), / 2$/)
  t.match(await metric('swarmgate_tracker_peers{family="webrtc"}'), / 1$/)
  t.match(await metric('swarmgate_tracker_swarms'), / 1$/)
})

t.test('silent peers are forgotten by the clock', async (t) => {
  let nowMs = 0
  const { port, metric } = await openTracker(t, { peerTtlMs: 60_000 }, { now: () => nowMs })
  await announceHttp(port, { infoHash, port: 7001 })
  nowMs = 120_000
  while (!(await metric('swarmgate_tracker_swarms'))?.endsWith(' 0')) {
    await get(port, `/scrape?info_hash=${HASH}`)
  }
  t.match(await metric('swarmgate_tracker_peers{family="ipv4"}'), / 0$/)
})

t.test('closing does not wait for clients, ends them and frees the port', async (t) => {
  const tracker = await openTracker(t)
  const ws = await openWsPeer(t, tracker.port)
  await ws.ask(announceMessage(infoHash, 'me'))
  const idle = connect(tracker.port, '127.0.0.1')
  const ended = new Promise((resolve) => idle.on('close', resolve))
  idle.on('error', () => {}).resume()
  await new Promise((resolve) => idle.on('connect', resolve))
  await tracker.close()
  await Promise.all([ws.closed, ended])
  await t.rejects(get(tracker.port, '/scrape'), { code: 'ECONNREFUSED' })
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  socket.bind(tracker.port, '127.0.0.1')
  await once(socket, 'listening')
})

t.test('closing twice, and without ever having listened, is fine', async (t) => {
  const { announce } = await openTracker(t)
  await Promise.all([announce.close(), announce.close()])
  const metrics = createMetrics()
  const idle = createAnnounce({}, { approve: async () => true, log: silentLog, metrics })
  await idle.close()
})

t.test('an announce that is being decided does not hold up closing', async (t) => {
  const never = new Promise<boolean>(() => {})
  const asked = new Promise<void>((resolve) => {
    const approve = () => {
      resolve()
      return never
    }
    void openTracker(t, {}, { approve }).then((tracker) => {
      closing = { tracker, answer: announceHttp(tracker.port, { infoHash, port: 7001 }) }
      closing.answer.catch(() => {})
    })
  })
  let closing: { tracker: TrackerFixture; answer: Promise<unknown> } | undefined
  await asked
  await closing?.tracker.close()
  await t.rejects(closing?.answer ?? Promise.resolve())
})
