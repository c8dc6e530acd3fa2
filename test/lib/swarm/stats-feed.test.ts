/** When the stats of a torrent are told, with the clock in the test's hand. */
import t from 'tap'
import type { TorrentStats } from '../../../lib/swarm/contract.ts'
import { createStatsFeed } from '../../../lib/swarm/stats-feed.ts'

const NOTHING = { seeder: 0, gateway: 0, stranger: 0 }
const QUIET: TorrentStats = {
  found: 0,
  tried: 0,
  connected: 0,
  peers: 0,
  seeds: 0,
  downloaded: NOTHING,
  uploaded: NOTHING
}

function open() {
  const posted: TorrentStats[] = []
  let now: TorrentStats = QUIET
  const feed = createStatsFeed(
    () => ({ ...now, downloaded: { ...now.downloaded }, uploaded: { ...now.uploaded } }),
    (stats) => posted.push(stats)
  )
  return {
    feed,
    posted,
    become(change: Partial<TorrentStats>) {
      now = { ...now, ...change }
    }
  }
}

t.test('stats are told at first, and then only when something changed', async (t) => {
  const { feed, posted } = open()
  feed.tick(10_000)
  feed.tick(20_000)
  t.same(posted, [QUIET])
})

t.test('a change of any figure is told', async (t) => {
  const changes: Partial<TorrentStats>[] = [
    { found: 1 },
    { tried: 1 },
    { connected: 1 },
    { peers: 1 },
    { seeds: 1 },
    ...(['seeder', 'gateway', 'stranger'] as const).flatMap((who) => [
      { downloaded: { ...NOTHING, [who]: 5 } },
      { uploaded: { ...NOTHING, [who]: 5 } }
    ])
  ]
  for (const change of changes) {
    const { feed, posted, become } = open()
    feed.tick(10_000)
    become(change)
    feed.tick(20_000)
    t.same(posted, [QUIET, { ...QUIET, ...change }], JSON.stringify(change))
  }
})

t.test('changes are told once a second, or at once when asked', async (t) => {
  const { feed, posted, become } = open()
  feed.tick(10_000)
  become({ peers: 1 })
  feed.tick(10_900)
  t.equal(posted.length, 1)
  feed.tick(11_000)
  t.equal(posted.length, 2)
  become({ peers: 2 })
  feed.flush()
  t.equal(posted.at(-1)?.peers, 2)
})
