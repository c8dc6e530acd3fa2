/** The announcer against a small HTTP tracker in the test. */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import t from 'tap'
import { type BencodeInput, encodeBencode } from '../../../core/bencode.ts'
import type { InfoHash } from '../../../core/info-hash.ts'
import { parseInfoHash } from '../../../core/info-hash.ts'
import { type Announcer, createAnnouncer } from '../../../lib/swarm/announcer.ts'
import type { PeerAddress } from '../../../lib/swarm/contract.ts'
import { silentLog } from '../../fakes/silent-log.ts'
import { announced, CONNECTED, openUdpTracker, unlessTaken } from './udp-fake-tracker.ts'

type Tap = Pick<typeof t, 'teardown'>

const INFO_HASH = parseInfoHash('00ff20257e41aabbccddeeff0123456789abcdef') as InfoHash
const SOON = { minIntervalMs: 5, firstRetryMs: 5, lastRetryMs: 20 }

interface Asked {
  readonly event: string | null
  readonly left: string | null
  readonly port: string | null
  readonly numwant: string | null
  readonly trackerid: string | null
  readonly infoHash: string
}

/** A tracker that answers what the test says and remembers what it was asked. */
async function openTracker(tap: Tap, answer: (asked: Asked) => BencodeInput | number) {
  const asked: Asked[] = []
  const sockets = new Set<unknown>()
  const checks = new Set<() => void>()
  const server = createServer((request, response) => {
    sockets.add(request.socket)
    const query = parse(request)
    asked.push(query)
    const said = answer(query)
    if (typeof said === 'number') response.writeHead(said).end('nothing here')
    else response.end(encodeBencode(said))
    for (const check of [...checks]) check()
  })
  // A starved test must not outlast its own connection.
  server.keepAliveTimeout = 120_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  tap.teardown(() => {
    server.closeAllConnections()
    server.close()
  })

  function until(test: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (!test()) return
        checks.delete(check)
        resolve()
      }
      checks.add(check)
      check()
    })
  }

  const events = () => asked.map(({ event }) => event)
  return { url: `http://127.0.0.1:${port}/announce?pass=1`, asked, events, until, sockets }
}

function parse(request: IncomingMessage): Asked {
  const [, text = ''] = (request.url ?? '').split('?')
  const query = new URLSearchParams(text.replace(/info_hash=[^&]*&?/, ''))
  const hash = /info_hash=([^&]*)/.exec(text)?.[1] ?? ''
  return {
    event: query.get('event'),
    left: query.get('left'),
    port: query.get('port'),
    numwant: query.get('numwant'),
    trackerid: query.get('trackerid'),
    infoHash: hash.replaceAll('%', '')
  }
}

function open(tap: Tap, urls: readonly string[], self: readonly string[] = []) {
  const heard: PeerAddress[] = []
  const waiting = new Set<() => void>()
  const announcer: Announcer = createAnnouncer(
    { urls, port: () => 6881, timing: SOON, self },
    {
      log: silentLog,
      onPeers(_, peers) {
        heard.push(...peers)
        for (const wake of waiting) wake()
      }
    }
  )
  tap.teardown(() => announcer.close())
  const hears = () => new Promise<void>((resolve) => void waiting.add(resolve))
  return { announcer, heard, hears }
}

/** One tracker over HTTP and UDP, on the same port. */
async function openBothDoors(tap: Tap) {
  for (;;) {
    const tracker = await openTracker(tap, () => ({ interval: 1000, peers: '' }))
    const port = Number(new URL(tracker.url).port)
    const door = await openUdpTracker(
      tap,
      ({ kind }) => (kind === 'connect' ? CONNECTED() : announced(1000)),
      { port }
    ).catch(unlessTaken)
    if (door !== undefined) return { tracker, door }
  }
}

t.test('started comes first, then the interval without an event, then stopped', async (t) => {
  const tracker = await openTracker(t, () => ({ interval: 1000, peers: '' }))
  const { announcer } = open(t, [tracker.url])
  announcer.announce(INFO_HASH, () => 10)
  await tracker.until(() => tracker.asked.length === 1)
  t.match(tracker.asked[0], { event: 'started', left: '10', port: '6881', infoHash: INFO_HASH })
  await announcer.forget(INFO_HASH)
  t.same(tracker.events(), ['started', 'stopped'])
})

t.test('the interval is repeated over one kept connection', async (t) => {
  const tracker = await openTracker(t, () => ({ interval: 0, peers: '' }))
  const announcer = createAnnouncer(
    { urls: [tracker.url], port: () => 1, timing: { ...SOON, defaultIntervalMs: 5 } },
    { log: silentLog, onPeers: () => {} }
  )
  t.teardown(() => announcer.close())
  announcer.announce(INFO_HASH, () => 1)
  await tracker.until(() => tracker.asked.length === 4)
  t.same(tracker.events(), ['started', null, null, null])
  t.equal(tracker.sockets.size, 1)
})

t.test('completed is told once, and only by what became complete in this life', async (t) => {
  const tracker = await openTracker(t, () => ({ interval: 1000, peers: '' }))
  const { announcer } = open(t, [tracker.url])
  let left = 10
  announcer.announce(INFO_HASH, () => left)
  await tracker.until(() => tracker.asked.length === 1)
  left = 0
  announcer.complete(INFO_HASH)
  announcer.complete(INFO_HASH)
  await tracker.until(() => tracker.asked.length === 2)
  await announcer.forget(INFO_HASH)
  t.same(tracker.events(), ['started', 'completed', 'stopped'])
  t.equal(tracker.asked[1]?.left, '0')
  t.equal(tracker.asked[1]?.numwant, '0', 'who has everything asks for nobody')

  announcer.announce(INFO_HASH, () => 0)
  announcer.complete(INFO_HASH)
  await tracker.until(() => tracker.asked.length === 4)
  await announcer.forget(INFO_HASH)
  t.same(tracker.events().slice(3), ['started', 'stopped'])
})

t.test('completed waits until the tracker has taken started', async (t) => {
  let refusals = 2
  const tracker = await openTracker(t, () =>
    refusals-- > 0 ? { 'failure reason': 'not yet' } : { interval: 1000, peers: '' }
  )
  const { announcer } = open(t, [tracker.url])
  let left = 5
  announcer.announce(INFO_HASH, () => left)
  left = 0
  announcer.complete(INFO_HASH)
  await tracker.until(() => tracker.asked.length === 4)
  t.same(tracker.events(), ['started', 'started', 'started', 'completed'])
})

t.test('stopped is not told to a tracker that never heard of us', async (t) => {
  const tracker = await openTracker(t, () => ({ 'failure reason': 'no', 'retry in': 'never' }))
  const { announcer } = open(t, [tracker.url])
  announcer.announce(INFO_HASH, () => 5)
  await tracker.until(() => tracker.asked.length === 1)
  await announcer.close()
  t.same(tracker.events(), ['started'])
})

t.test('peers are read from every form of answer', async (t) => {
  const forms: BencodeInput[] = [
    { interval: 1000, peers: Buffer.from([127, 0, 0, 1, 0x1a, 0xe2, 127, 0, 0, 2, 0, 0]) },
    {
      interval: 1000,
      peers: [
        { ip: '127.0.0.3', port: 7000 },
        { ip: 'not an address', port: 1 }
      ]
    },
    {
      interval: 1000,
      peers6: Buffer.concat([Buffer.alloc(15), Buffer.from([1, 0x1b, 0x59])]),
      'tracker id': 'abc'
    }
  ]
  for (const form of forms) {
    const tracker = await openTracker(t, () => form)
    const { announcer, heard, hears } = open(t, [tracker.url])
    const news = hears()
    announcer.announce(INFO_HASH, () => 5)
    await news
    t.equal(heard.length, 1)
    t.match(heard[0], { class: 'stranger' })
    await announcer.close()
  }
})

t.test('our own address is left out, other ports of this machine are not', async (t) => {
  const peers = [
    { ip: '127.0.0.1', port: 6881 },
    { ip: '127.0.0.1', port: 6882 },
    { ip: '192.0.2.7', port: 9000 }
  ]
  const tracker = await openTracker(t, () => ({ interval: 1000, peers }))
  const { announcer, heard, hears } = open(t, [tracker.url], ['192.0.2.7:9000'])
  const news = hears()
  announcer.announce(INFO_HASH, () => 5)
  await news
  t.same(heard, [{ host: '127.0.0.1', port: 6882, class: 'stranger' }])
})

t.test('a tracker that fails is asked again', async (t) => {
  let failures = 3
  const tracker = await openTracker(t, () => (failures-- > 0 ? 500 : { interval: 1000, peers: '' }))
  const { announcer } = open(t, [tracker.url])
  announcer.announce(INFO_HASH, () => 5)
  await tracker.until(() => tracker.asked.length === 4)
  t.same(tracker.events(), ['started', 'started', 'started', 'started'])
})

t.test('an outage is a warning once, and again after the tracker had answered', async (t) => {
  const answers = [500, 500, 500, { interval: 0, peers: '' }, 500, 500]
  const tracker = await openTracker(t, () => answers.shift() ?? { interval: 1000, peers: '' })
  const warnings: string[] = []
  const log = {
    ...silentLog,
    debug: () => {},
    warn: (_: unknown, msg?: string) => warnings.push(msg ?? '')
  }
  const timing = { ...SOON, defaultIntervalMs: 5 }
  const announcer = createAnnouncer(
    { urls: [tracker.url], port: () => 1, timing },
    { log: Object.assign(Object.create(silentLog), log), onPeers: () => {} }
  )
  t.teardown(() => announcer.close())
  announcer.announce(INFO_HASH, () => 5)
  await tracker.until(() => tracker.asked.length === 7)
  t.same(warnings, ['announce failed', 'announce failed'])
})

t.test('a tracker that cannot be reached delays nothing', async (t) => {
  const tracker = await openTracker(t, () => ({ interval: 1000, peers: '' }))
  const { announcer } = open(t, ['http://127.0.0.1:9/announce', 'udp://127.0.0.1:9', tracker.url])
  announcer.announce(INFO_HASH, () => 5)
  await tracker.until(() => tracker.asked.length === 1)
  await announcer.close()
  t.same(tracker.events(), ['started', 'stopped'])
})

t.test('the tracker id is given back', async (t) => {
  const tracker = await openTracker(t, () => ({ interval: 1000, 'tracker id': 'a b' }))
  const { announcer } = open(t, [tracker.url])
  announcer.announce(INFO_HASH, () => 5)
  await tracker.until(() => tracker.asked.length === 1)
  await announcer.close()
  t.equal(tracker.asked[1]?.trackerid, 'a b')
})

t.test('a tracker over UDP is told the same story', async (t) => {
  const peers = Buffer.from([127, 0, 0, 1, 0x1a, 0xe2])
  const tracker = await openUdpTracker(t, ({ kind }) =>
    kind === 'connect' ? CONNECTED() : announced(1000, peers)
  )
  const { announcer, heard, hears } = open(t, [tracker.url])
  const news = hears()
  let left = 10
  announcer.announce(INFO_HASH, () => left)
  await news
  t.same(heard, [{ host: '127.0.0.1', port: 6882, class: 'stranger' }])
  left = 0
  announcer.complete(INFO_HASH)
  await tracker.until(() => tracker.events().length === 2)
  await announcer.close()
  t.same(tracker.events(), [2, 1, 3])
  t.same(
    tracker.asked.filter(({ kind }) => kind === 'announce').map(({ left }) => left),
    [10, 0, 0]
  )
  t.equal(tracker.asked.at(-1)?.infoHash, INFO_HASH)
})

t.test('of the doors of one tracker one is used: HTTP, and UDP when HTTP is shut', async (t) => {
  const { tracker, door } = await openBothDoors(t)
  const { announcer } = open(t, [tracker.url, door.url])
  announcer.announce(INFO_HASH, () => 5)
  await tracker.until(() => tracker.asked.length === 1)
  await announcer.forget(INFO_HASH)
  t.same(tracker.events(), ['started', 'stopped'])
  t.equal(door.asked.length, 0)

  const shut = await openUdpTracker(t, ({ kind }) =>
    kind === 'connect' ? CONNECTED() : announced(1000)
  )
  const { announcer: other } = open(t, [`http://127.0.0.1:${shut.port}/announce`, shut.url])
  other.announce(INFO_HASH, () => 5)
  await shut.until(() => shut.events().length === 1)
  await other.close()
  t.same(shut.events(), [2, 3])
})

t.test('of tiers one tracker is told, a later one when none before it answers', async (t) => {
  const first = await openTracker(t, () => 500)
  const second = await openTracker(t, () => ({ interval: 1000, peers: '' }))
  const third = await openTracker(t, () => ({ interval: 1000, peers: '' }))
  const announcer = createAnnouncer(
    { urls: [], tiers: [[first.url], [second.url], [third.url]], port: () => 1 },
    { log: silentLog, onPeers: () => {} }
  )
  t.teardown(() => announcer.close())
  announcer.announce(INFO_HASH, () => 5)
  await second.until(() => second.asked.length === 1)
  await announcer.close()
  t.same(first.events(), ['started'])
  t.same(second.events(), ['started', 'stopped'])
  t.same(third.events(), [])
})

t.test('a torrent announced as complete that misses bytes is told as it is', async (t) => {
  const tracker = await openTracker(t, () => ({ interval: 0, peers: '' }))
  const announcer = createAnnouncer(
    { urls: [tracker.url], port: () => 1, timing: { ...SOON, defaultIntervalMs: 5 } },
    { log: silentLog, onPeers: () => {} }
  )
  t.teardown(() => announcer.close())
  announcer.announce(INFO_HASH, () => 0)
  await tracker.until(() => tracker.asked.length === 1)
  announcer.announce(INFO_HASH, () => 7)
  await tracker.until(() => tracker.asked.at(-1)?.left === '7')
  t.equal(tracker.asked[0]?.left, '0')
})
