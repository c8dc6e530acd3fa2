/** A list of trackers with few torrents and with ten thousand, on a clock of the test's. */
import { mock } from 'node:test'
import t, { type Test } from 'tap'
import { infoHashFromBytes } from '../../../core/info-hash.ts'
import type { AnnounceAnswer, AnnounceEvent } from '../../../lib/swarm/announce-exchange.ts'
import type {
  AnnouncedTorrent,
  AnnounceLine,
  AnnounceTiming
} from '../../../lib/swarm/announce-line.ts'
import { createAnnounceList } from '../../../lib/swarm/announce-list.ts'

const MINUTE = 60_000
const TIMING: AnnounceTiming = {
  minIntervalMs: MINUTE,
  maxIntervalMs: 60 * MINUTE,
  defaultIntervalMs: 30 * MINUTE,
  firstRetryMs: 2000,
  lastRetryMs: 5 * MINUTE,
  hungryMs: MINUTE,
  spacingMs: 20
}
const A = 'http://a/announce'
const B = 'udp://b:1'
const OK: AnnounceAnswer = {
  status: 'accepted',
  interval: 1800,
  minInterval: undefined,
  trackerId: undefined,
  peers: [{ host: '192.0.2.1', port: 1 }]
}

interface Told {
  readonly at: number
  readonly url: string
  readonly name: number
  readonly event: AnnounceEvent | undefined
}

function open(
  t: Test,
  answer: (told: Told) => AnnounceAnswer | Error | Promise<AnnounceAnswer>,
  urls = [[A], [B]]
) {
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 })
  const told: Told[] = []
  let inside = 0
  let most = 0
  async function send(url: string, { torrent }: AnnounceLine, event: AnnounceEvent | undefined) {
    const one = { at: Date.now() - 1_000_000, url, name: nameOf(torrent), event }
    told.push(one)
    most = Math.max(most, ++inside)
    try {
      const said = await answer(one)
      if (said instanceof Error) throw said
      return said
    } finally {
      inside--
    }
  }
  const failures: string[] = []
  const list = createAnnounceList(urls, TIMING, {
    send,
    onPeers: (_, _url, peers) => peers.length,
    onFailure: (_, url, reason) => void failures.push(`${url} ${reason}`),
    now: () => Date.now()
  })
  t.teardown(() => {
    list.close()
    mock.timers.reset()
  })
  const events = () => told.map(({ event }) => event ?? null)
  return { list, told, events, failures, most: () => most }
}

/** Moves the clock in steps, and lets what is due run after each. */
async function pass(ms: number, stepMs = ms): Promise<void> {
  for (let gone = 0; gone < ms; gone += stepMs) {
    mock.timers.tick(stepMs)
    await settle()
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

function torrent(name: number, left = () => 0): AnnouncedTorrent {
  const bytes = Buffer.alloc(20)
  bytes.writeUInt32BE(name)
  const infoHash = infoHashFromBytes(bytes)
  if (infoHash === undefined) throw new Error('20 bytes are an infohash')
  return { infoHash, left, totals: () => ({ uploaded: 0, downloaded: 0 }) }
}

const nameOf = ({ infoHash }: AnnouncedTorrent) => Number.parseInt(infoHash.slice(0, 8), 16)

t.test('one is told at once, again after the interval, never before', async (t) => {
  const { list, told } = open(t, () => OK)
  list.add(torrent(1))
  await pass(1)
  t.equal(told.length, 1)
  await pass(1800_000 - 2)
  t.equal(told.length, 1)
  await pass(200_000)
  t.match(told, [
    { url: A, event: 'started' },
    { url: A, event: undefined }
  ])
})

t.test('ten thousand complete ones are spread, one that is missing bytes goes first', async (t) => {
  const { list, told, most } = open(t, async () => OK)
  for (let name = 0; name < 10_000; name++) list.add(torrent(name))
  await pass(1000, 20)
  t.ok(told.length >= 49 && told.length <= 52, `${told.length} in the first second`)
  const before = told.length
  list.add(torrent(20_000, () => 5))
  await pass(1)
  t.equal(told[before]?.name, 20_000)
  await pass(210_000, 100)
  t.equal(told.length, 10_001)
  t.ok(most() <= 16)
  const perSecond = new Map<number, number>()
  await pass(3600_000, 1000)
  for (const { at } of told) {
    const second = Math.floor(at / 1000)
    perSecond.set(second, (perSecond.get(second) ?? 0) + 1)
  }
  t.ok(told.length > 20_000 && told.length < 30_001, `${told.length} in an hour`)
  t.ok(Math.max(...perSecond.values()) <= 120, `${Math.max(...perSecond.values())} in a second`)
})

t.test('one that waits for its slot goes first when somebody waits for peers', async (t) => {
  const { list, told } = open(t, () => OK)
  for (let name = 0; name < 1000; name++) list.add(torrent(name))
  const line = list.add(torrent(5000))
  list.hurry(line)
  await pass(1)
  t.equal(told[0]?.name, 5000)
  list.hurry(line)
  await pass(10)
  t.notOk(
    told.slice(1).some(({ name }) => name === 5000),
    'not again'
  )
})

t.test('an outage costs a probe now and then, not one per torrent', async (t) => {
  let down = true
  const { list, told } = open(t, () => (down ? new Error('refused') : OK), [[A]])
  for (let name = 0; name < 10_000; name++) list.add(torrent(name))
  await pass(600_000, 100)
  t.ok(told.length < 400, `${told.length} in ten minutes`)
  down = false
  const before = told.length
  await pass(600_000, 100)
  t.ok(told.length - before >= 10_000, `${told.length - before} told when it is back`)
})

t.test('while trackers rest, a torrent somebody waits for is tried at them all', async (t) => {
  const { list, told } = open(t, () => new Error('down'))
  list.add(torrent(1))
  await pass(100, 10)
  const before = told.length
  list.add(torrent(2, () => 5))
  await pass(1)
  t.same(
    told.slice(before).map(({ url, name }) => [url, name]),
    [
      [A, 2],
      [B, 2]
    ]
  )
})

t.test(
  'another door is taken at once, told started, and is the one that hears stopped',
  async (t) => {
    let broken: string | undefined
    const { list, told } = open(t, ({ url }) => (url === broken ? new Error('down') : OK))
    const line = list.add(torrent(1))
    await pass(1)
    broken = A
    await pass(2000_000, 100_000)
    t.same(
      told.map(({ url, event }) => [url, event]),
      [
        [A, 'started'],
        [A, undefined],
        [B, 'started']
      ]
    )
    const ended = list.remove(line)
    await pass(1)
    await ended
    t.match(told.at(-1), { url: B, event: 'stopped' })
  }
)

t.test(
  'a torrent one tracker refuses is offered to the next, not to another door of it',
  async (t) => {
    const refusal: AnnounceAnswer = { status: 'refused', reason: 'no', retryMinutes: undefined }
    const doors = [['http://x:1/a'], ['udp://x:1'], ['http://y/a']]
    const { list, told } = open(t, ({ url }) => (url.includes('x:1') ? refusal : OK), doors)
    list.add(torrent(1))
    await pass(1)
    t.same(
      told.map(({ url }) => url),
      ['http://x:1/a', 'http://y/a']
    )
  }
)

t.test(
  'a refusal is for this torrent: the pause it asks for is kept, never means never',
  async (t) => {
    const retry = new Map<number, number | 'never' | undefined>([
      [1, 10],
      [2, 'never'],
      [3, 10 ** 12]
    ])
    const { list, told } = open(
      t,
      ({ name }) => ({ status: 'refused', reason: 'no', retryMinutes: retry.get(name) }),
      [[A]]
    )
    const lines = [1, 2, 3, 4].map((name) => list.add(torrent(name)))
    await pass(9.5 * MINUTE, 500)
    const times = (name: number) => told.filter((one) => one.name === name).length
    t.same([times(1), times(2), times(3)], [1, 1, 1])
    t.ok(times(4) > 4)
    await pass(MINUTE, 500)
    t.equal(times(1), 2)
    await pass(25 * 60 * MINUTE, 10 * MINUTE)
    t.same([times(2), times(3)], [1, 2])
    list.complete(lines[1] as AnnounceLine)
    await pass(MINUTE)
    t.equal(times(2), 1)
  }
)

t.test('who misses bytes and heard of nobody asks sooner, ever more seldom', async (t) => {
  let left = 5
  const { list, told } = open(t, () => ({ ...OK, peers: [] }))
  list.add(torrent(1, () => left))
  await pass(20 * MINUTE, 1000)
  const gaps = told.slice(1).map(({ at }, index) => at - (told[index]?.at ?? 0))
  t.equal(gaps.length, 4)
  for (const [index, gap] of gaps.entries()) {
    t.ok(gap >= MINUTE * 2 ** index && gap <= MINUTE * 2 ** index * 1.1 + 1000, `${gap}`)
  }
  left = 0
  await pass(20 * MINUTE, 1000)
  const before = told.length
  await pass(25 * MINUTE, 1000)
  t.ok(told.length - before <= 1, 'complete: the interval again')
})

t.test(
  'a torrent forgotten while it is announced is told to have stopped afterwards',
  async (t) => {
    const gate = Promise.withResolvers<AnnounceAnswer>()
    const { list, events } = open(t, ({ event }) => (event === 'started' ? gate.promise : OK))
    const line = list.add(torrent(1))
    await pass(1)
    let ended = false
    const removed = list.remove(line).then(() => {
      ended = true
    })
    await pass(1)
    t.notOk(ended)
    gate.resolve(OK)
    await settle()
    await pass(1)
    await removed
    t.same(events(), ['started', 'stopped'])
  }
)

t.test('nobody says goodbye to a tracker that does not answer', async (t) => {
  let down = false
  const { list, events } = open(t, () => (down ? new Error('down') : OK), [[A]])
  const [one, two] = [list.add(torrent(1)), list.add(torrent(2))]
  await pass(100, 10)
  down = true
  list.complete(one)
  await pass(100, 10)
  await Promise.all([list.remove(one), list.remove(two)])
  t.same(events(), ['started', 'started', 'completed'])
})

t.test('closing ends what waits', async (t) => {
  const { list, told } = open(t, () => OK)
  const lines = Array.from({ length: 100 }, (_, name) => list.add(torrent(name)))
  await pass(100, 10)
  const removed = lines.map((line) => list.remove(line))
  list.close()
  await Promise.all(removed)
  const before = told.length
  await pass(10_000)
  t.equal(told.length, before)
})
