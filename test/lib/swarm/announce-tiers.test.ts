/** Which tracker of a list is asked, and when one rests. */
import t from 'tap'
import { createTiers, listsOf, type Tracker } from '../../../lib/swarm/announce-tiers.ts'

const TIMING = { firstRetryMs: 1000, lastRetryMs: 8000 }
const urlsOf = (trackers: readonly Tracker[]) => trackers.map(({ url }) => url)
const [a, b, c, d] = ['http://a/1', 'http://b/1', 'udp://c:1', 'udp://d:1'] as const

t.test('tiers keep their order, and each is shuffled', async (t) => {
  const orders = new Set<string>()
  for (const chance of [0, 0.3, 0.6, 0.99]) {
    const tiers = createTiers([[a, b, c], [d]], TIMING, () => chance)
    const urls = urlsOf(tiers.candidates(0, false))
    t.same(urls.slice(0, 3).toSorted(), [a, b, c])
    t.equal(urls[3], d)
    orders.add(urls.join())
  }
  t.ok(orders.size > 1)
})

t.test('who answers goes to the front of its own tier', async (t) => {
  const tiers = createTiers(
    [
      [a, b],
      [c, d]
    ],
    TIMING,
    () => 0.99
  )
  t.same(urlsOf(tiers.candidates(0, false)), [a, b, c, d])
  tiers.answered(tiers.candidates(0, false)[3] as Tracker)
  t.same(urlsOf(tiers.candidates(0, false)), [a, b, d, c])
  tiers.answered(tiers.candidates(0, false)[1] as Tracker)
  t.same(urlsOf(tiers.candidates(0, false)), [b, a, d, c])
})

t.test('who fails rests for a time that doubles, and an answer ends that', async (t) => {
  const tiers = createTiers([[a]], TIMING, () => 0)
  const tracker = tiers.candidates(0, false)[0] as Tracker
  const pauses: number[] = []
  for (let round = 0, now = 0; round < 6; round++) {
    tiers.failed(tracker, now)
    pauses.push(tiers.readyAt - now)
    t.same(tiers.candidates(tiers.readyAt - 1, false), [])
    now = tiers.readyAt
    t.same(urlsOf(tiers.candidates(now, false)), [a])
  }
  t.same(pauses, [1000, 2000, 4000, 8000, 8000, 8000])
  tiers.answered(tracker)
  t.equal(tiers.readyAt, 0)
})

t.test('several failures at the same time are one', async (t) => {
  const tiers = createTiers([[a]], TIMING, () => 0)
  const tracker = tiers.candidates(0, false)[0] as Tracker
  for (let i = 0; i < 16; i++) tiers.failed(tracker, 5)
  t.equal(tiers.readyAt, 1005)
})

t.test('while one rests the next is asked; in need, the resting ones too, last', async (t) => {
  const tiers = createTiers([[a], [c]], TIMING, () => 0)
  tiers.failed(tiers.candidates(0, false)[0] as Tracker, 0)
  t.same(urlsOf(tiers.candidates(1, false)), [c])
  t.same(urlsOf(tiers.candidates(1, true)), [c, a])
})

t.test('every tracker is a list of its own, its doors are tiers of it', async (t) => {
  const urls = ['http://t:8000/announce', 'https://x/a', 'udp://t:8000/announce', 'udp://x:443']
  t.same(listsOf(urls), [
    [['http://t:8000/announce'], ['udp://t:8000/announce']],
    [['https://x/a'], ['udp://x:443']]
  ])
  const front = ['https://tracker.test/announce', 'wss://tracker.test']
  t.same(listsOf(front), [front.map((url) => [url])], 'behind one front')
  t.same(listsOf([]), [])
})
