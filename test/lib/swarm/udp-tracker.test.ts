/** The UDP side of the announcer against real sockets, and against our own tracker. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { type InfoHash, parseInfoHash } from '../../../core/info-hash.ts'
import type { AnnounceAnswer, AnnounceQuery } from '../../../lib/swarm/announce-exchange.ts'
import {
  createUdpTracker,
  type UdpTrackerConfig,
  type UdpTrackerDeps
} from '../../../lib/swarm/udp-tracker.ts'
import { holdTimers } from '../../fakes/held-timers.ts'
import { NEEDS_IPV6 } from '../../fakes/ipv6.ts'
import { openTracker } from '../../tracker/announce/tracker-fixture.ts'
import {
  announced,
  CONNECTED,
  openUdpTracker,
  openUdpTrackers,
  refused
} from './udp-fake-tracker.ts'

const infoHash = parseInfoHash('00112233445566778899aabbccddeeff01234567') as InfoHash
const QUERY: AnnounceQuery = {
  infoHash,
  peerId: '-SG0010-abcdefghijkl',
  port: 6881,
  uploaded: 0,
  downloaded: 0,
  left: 3,
  numwant: 50,
  key: 'ab12',
  trackerId: undefined,
  event: 'started'
}
const WAIT_MS = 300
const SOON = { waitsMs: [WAIT_MS, WAIT_MS, WAIT_MS] }
const PEER = Buffer.from([127, 0, 0, 9, 0x1a, 0xe1])

function open(t: Test, config: UdpTrackerConfig = {}, deps: UdpTrackerDeps = {}) {
  const tracker = createUdpTracker(config, deps)
  t.teardown(() => tracker.close())
  return tracker
}

t.test('one connection id serves many torrents, from one socket, for a minute', async (t) => {
  let time = 0
  const fake = await openUdpTracker(t, ({ kind }) =>
    kind === 'connect' ? CONNECTED() : announced(900, PEER)
  )
  const tracker = open(t, {}, { now: () => time })
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => tracker.exchange(fake.url, QUERY))
  )
  for (const answer of answers) {
    t.match(answer, { status: 'accepted', interval: 900, peers: [{ host: '127.0.0.9' }] })
  }
  t.equal(fake.kinds().filter((kind) => kind === 'connect').length, 1)
  t.equal(new Set(fake.asked.map(({ from }) => from.port)).size, 1)
  t.equal(fake.asked.at(-1)?.connectionId, '0102030405060708')
  t.equal(fake.asked.at(-1)?.path, '/announce')
  time = 59_000
  await tracker.exchange(fake.url, QUERY)
  t.equal(fake.asked.length, 22)
  time = 60_000
  await tracker.exchange(fake.url, QUERY)
  t.same(fake.kinds().slice(22), ['connect', 'announce'])
})

t.test('what gets no answer is sent again with a fresh connection id', async (t) => {
  let drops = 2
  const fake = await openUdpTracker(t, ({ kind }) => {
    if (drops-- > 0) return undefined
    return kind === 'connect' ? CONNECTED(`0000000000000${fake.asked.length}00`) : announced(60)
  })
  const tracker = open(t, SOON)
  const pass = holdTimers(t)
  const first = tracker.exchange(fake.url, QUERY)
  for (const asked of [1, 2]) {
    await fake.until(() => fake.asked.length === asked)
    pass(WAIT_MS)
  }
  t.match(await first, { status: 'accepted' })
  t.same(fake.kinds(), ['connect', 'connect', 'connect', 'announce'])
  drops = 1
  const second = tracker.exchange(fake.url, QUERY)
  await fake.until(() => fake.asked.length === 5)
  pass(WAIT_MS)
  await second
  t.same(fake.kinds().slice(4), ['announce', 'connect', 'announce'])
  t.not(fake.asked[4]?.connectionId, fake.asked[6]?.connectionId)
})

t.test('a tracker that never answers is given up', async (t) => {
  const fake = await openUdpTracker(t, () => undefined)
  const tracker = open(t, SOON)
  const pass = holdTimers(t)
  const givenUp = t.rejects(tracker.exchange(fake.url, QUERY), /no answer in time/)
  for (const asked of [1, 2, 3]) {
    await fake.until(() => fake.asked.length === asked)
    pass(WAIT_MS)
  }
  await givenUp
  t.equal(fake.asked.length, 3)
})

t.test('an answer counts only from who was asked, about what was asked', async (t) => {
  const stranger = createSocket('udp4')
  stranger.bind(0, '127.0.0.1')
  await once(stranger, 'listening')
  t.teardown(() => void stranger.close())
  const fake = await openUdpTracker(t, (asked, send) => {
    const { transaction, from } = asked
    const forged = Buffer.concat([Buffer.from([0, 0, 0, 3]), transaction, Buffer.from('forged')])
    stranger.send(forged, from.port, from.address)
    const other = Buffer.from(transaction.map((byte) => byte ^ 1))
    fake.socket.send(Buffer.concat([Buffer.from([0, 0, 0, 3]), other]), from.port, from.address)
    fake.socket.send(Buffer.from('x'), from.port, from.address)
    setImmediate(() => send(asked.kind === 'connect' ? CONNECTED() : announced(77)))
    return undefined
  })
  t.match(await open(t).exchange(fake.url, QUERY), { status: 'accepted', interval: 77 })
})

t.test('a refusal says why; one about the connection is answered with a new one', async (t) => {
  let reason = 'connection id is not known'
  const fake = await openUdpTracker(t, ({ kind }) => {
    if (kind === 'connect') return CONNECTED()
    if (fake.kinds().filter((one) => one === 'connect').length > 1) reason = 'not registered'
    return refused(reason)
  })
  t.match(await open(t).exchange(fake.url, QUERY), { status: 'refused', reason: 'not registered' })
  t.same(fake.kinds(), ['connect', 'announce', 'connect', 'announce'])
})

t.test('a tracker of both families hears of us in both', { ...NEEDS_IPV6 }, async (t) => {
  const sixPeer = Buffer.concat([Buffer.alloc(15), Buffer.from([1, 0x1a, 0xe2])])
  const [four, six] = await openUdpTrackers(
    t,
    ({ kind }) => (kind === 'connect' ? CONNECTED() : announced(60, PEER)),
    ({ kind }) => (kind === 'connect' ? CONNECTED() : announced(60, sixPeer))
  )
  holdTimers(t)
  const resolve = async () => [
    { address: '::1', family: 6 },
    { address: '::2', family: 6 },
    { address: '127.0.0.1', family: 4 }
  ]
  const url = `udp://tracker.example:${four.port}/announce`
  const answer = await open(t, {}, { resolve }).exchange(url, QUERY)
  t.same(
    answer.status === 'accepted' && answer.peers.map(({ port }) => port).toSorted(),
    [6881, 6882]
  )
  t.same(four.events(), [2])
  t.same(six.events(), [2])
  await open(t, { families: [4] }, { resolve }).exchange(url, QUERY)
  t.equal(six.asked.length, 2, 'a wire that is reached over IPv4 only is told over IPv4 only')
})

t.test(
  'a family that does not answer holds up nobody, and is not asked again soon',
  { ...NEEDS_IPV6 },
  async (t) => {
    const [four, six] = await openUdpTrackers(
      t,
      ({ kind }) => (kind === 'connect' ? CONNECTED() : announced(60, PEER)),
      () => undefined
    )
    const resolve = async () => [
      { address: '::1', family: 6 },
      { address: '127.0.0.1', family: 4 }
    ]
    const url = `udp://tracker.example:${four.port}`
    const tracker = open(t, {}, { resolve })
    const pass = holdTimers(t)
    let answer: AnnounceAnswer | undefined
    const answered = tracker.exchange(url, QUERY).then((said) => {
      answer = said
    })
    // A millisecond with each turn of the loop: the family that answers needs a few of them.
    while (answer === undefined) {
      pass(1)
      await new Promise(setImmediate)
    }
    await answered
    t.match(answer, { status: 'accepted' })
    const before = six.asked.length
    t.match(await tracker.exchange(url, QUERY), { status: 'accepted' })
    t.equal(six.asked.length, before)
  }
)

t.test('what no tracker has heard of can be given up, and closing ends the rest', async (t) => {
  const silent = await openUdpTracker(t, () => undefined)
  const deaf = await openUdpTracker(t, ({ kind }) => (kind === 'connect' ? CONNECTED() : undefined))
  const tracker = open(t)
  const untold = tracker.exchange(silent.url, QUERY)
  const told = tracker.exchange(deaf.url, QUERY)
  const endings = Promise.allSettled([untold, told])
  await silent.until(() => silent.asked.length === 1)
  await deaf.until(() => deaf.asked.length === 2)
  tracker.hurry()
  await t.rejects(untold, /given up/)
  await tracker.close()
  await t.rejects(told, /closed/)
  await endings
  await t.rejects(tracker.exchange(deaf.url, QUERY))
})

t.test('a name that is not found, and a URL without a port, are failures', async (t) => {
  const resolve = async () => {
    throw new Error('not found')
  }
  await t.rejects(open(t, {}, { resolve }).exchange('udp://nowhere.example:1', QUERY), /not found/)
  await t.rejects(open(t).exchange('udp://127.0.0.1/announce', QUERY), /no default port/)
})

t.test('our own tracker is understood, over UDP too', async (t) => {
  const { port } = await openTracker(t)
  const url = `udp://127.0.0.1:${port}/announce`
  const first = open(t)
  t.match(await first.exchange(url, QUERY), { status: 'accepted', peers: [] })
  const peerId = '-SG0010-bbbbbbbbbbbb'
  const second = await open(t).exchange(url, { ...QUERY, peerId, port: 7000 })
  t.match(second, { status: 'accepted', peers: [{ host: '127.0.0.1', port: 6881 }] })
})
