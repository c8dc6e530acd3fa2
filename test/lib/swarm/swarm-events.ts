/** Waiting for what a swarm says, instead of sleeping. */
import type { InfoHash } from '../../../core/info-hash.ts'
import type { PeerClass, TorrentStats } from '../../../lib/swarm/contract.ts'
import type { Swarm } from '../../../lib/swarm/swarm.ts'

export type SwarmNews =
  | { readonly type: 'knock'; readonly infoHash: InfoHash }
  | {
      readonly type: 'verified'
      readonly infoHash: InfoHash
      readonly index: number
      readonly from: PeerClass
    }
  | {
      readonly type: 'failed'
      readonly infoHash: InfoHash
      readonly index: number
      readonly where: 'wire' | 'disk'
    }
  | { readonly type: 'stats'; readonly infoHash: InfoHash; readonly stats: TorrentStats }

export interface SwarmEvents {
  readonly seen: readonly SwarmNews[]
  /** Resolves with the first event, past or future, that satisfies `test`. */
  first<T extends SwarmNews>(test: (news: SwarmNews) => news is T): Promise<T>
  until(test: () => boolean): Promise<void>
}

export function listen(swarm: Swarm, infoHash: InfoHash): SwarmEvents {
  const seen: SwarmNews[] = []
  const waiting = new Set<() => void>()

  function note(news: SwarmNews): void {
    if (news.infoHash !== infoHash) return
    seen.push(news)
    for (const check of [...waiting]) check()
  }

  swarm.on({
    knock: (infoHash) => note({ type: 'knock', infoHash }),
    verified: (infoHash, index, from) => note({ type: 'verified', infoHash, index, from }),
    failed: (infoHash, index, where) => note({ type: 'failed', infoHash, index, where }),
    stats: (infoHash, stats) => note({ type: 'stats', infoHash, stats })
  })

  function until(test: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (!test()) return
        waiting.delete(check)
        resolve()
      }
      waiting.add(check)
      check()
    })
  }

  async function first<T extends SwarmNews>(test: (news: SwarmNews) => news is T): Promise<T> {
    await until(() => seen.some(test))
    return seen.find(test) as T
  }

  return { seen, first, until }
}

/** Resolves when each of `indices` has been verified. */
export function verified(events: SwarmEvents, indices: readonly number[]): Promise<void> {
  return events.until(() => {
    const done = new Set(
      events.seen.flatMap((news) => (news.type === 'verified' ? [news.index] : []))
    )
    return indices.every((index) => done.has(index))
  })
}

export function failure(where: 'wire' | 'disk') {
  return (news: SwarmNews): news is SwarmNews & { type: 'failed' } =>
    news.type === 'failed' && news.where === where
}

export function knock(news: SwarmNews): news is SwarmNews & { type: 'knock' } {
  return news.type === 'knock'
}
