/** Posts a torrent's stats when they changed, at most once a second, and at once when asked to. */
import { isDeepStrictEqual } from 'node:util'
import type { TorrentStats } from './contract.ts'

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
    if (isDeepStrictEqual(stats, last)) return
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
