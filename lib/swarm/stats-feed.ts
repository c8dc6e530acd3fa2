/** Posts a torrent's stats when they changed, at most once a second, and at once when asked to. */
import type { PeerClass, TorrentStats } from './contract.ts'

const INTERVAL_MS = 1000

export interface StatsFeed {
  /** Something that should not wait, like the first peer. */
  flush(): void
  /** @param now milliseconds */
  tick(now: number): void
}

export function createStatsFeed(
  snapshot: () => TorrentStats,
  post: (stats: TorrentStats) => void
): StatsFeed {
  let last: TorrentStats | undefined
  let postedAt = 0

  function postIfChanged(now: number): void {
    const stats = snapshot()
    if (last !== undefined && isSame(stats, last)) return
    last = stats
    postedAt = now
    post(stats)
  }

  return {
    flush: () => postIfChanged(Date.now()),
    tick(now) {
      if (now - postedAt >= INTERVAL_MS) postIfChanged(now)
    }
  }
}

/** Field by field: ten times a second for each torrent, of which most are idle. */
function isSame(one: TorrentStats, other: TorrentStats): boolean {
  return (
    one.found === other.found &&
    one.tried === other.tried &&
    one.connected === other.connected &&
    one.peers === other.peers &&
    one.seeds === other.seeds &&
    isSameTally(one.downloaded, other.downloaded) &&
    isSameTally(one.uploaded, other.uploaded)
  )
}

type Tally = Readonly<Record<PeerClass, number>>

function isSameTally(one: Tally, other: Tally): boolean {
  return (
    one.seeder === other.seeder && one.gateway === other.gateway && one.stranger === other.stranger
  )
}
