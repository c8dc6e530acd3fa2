/**
 * Looking for rot in the library, slowly and all the time: every torrent in turn, at a rate that
 * nobody notices. What is wrong is not served any more, reported, and fetched again.
 *
 * A pass takes as long as it takes; the next begins no sooner than `everyMs` after it. Nothing is
 * remembered over a restart: a pass begins at a random torrent, so that all get their turn.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { InfoHash } from '../../core/info-hash.ts'
import type { Node } from '../../lib/node/node.ts'
import type { Log, Service } from '../../lib/process/service.ts'
import { createDescriptors } from '../../lib/store/descriptors.ts'
import type { DiskJobs } from '../../lib/store/disk-jobs.ts'
import type { Library } from '../../lib/store/library.ts'
import { scrubPieces } from '../../lib/store/scrub.ts'

export interface ScrubConfig {
  /** The pause before the first pass. */
  readonly firstMs: number
  /** The shortest pause between passes. */
  readonly everyMs: number
  readonly bytesPerSecond: number
  /** What opening a torrent counts as, so that many small ones do not come all at once. */
  readonly bytesPerTorrent: number
}

/** 1 TB in three days; ten thousand small torrents in three hours. */
export const SCRUB_DEFAULTS: ScrubConfig = {
  firstMs: 10 * 60_000,
  everyMs: 24 * 3_600_000,
  bytesPerSecond: 4 * 2 ** 20,
  bytesPerTorrent: 4 * 2 ** 20
}

const MAX_DESCRIPTORS = 4

export interface ScrubDeps {
  readonly library: Pick<Library, 'list' | 'complete' | 'open'>
  readonly node: Pick<Node, 'mend'>
  readonly disk: DiskJobs
  readonly log: Log
  /** Waits; resolves or rejects when the signal aborts. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<unknown>
  /** Where among so many torrents a pass begins. */
  readonly startAt?: (count: number) => number
}

export function startScrub(config: ScrubConfig, deps: ScrubDeps): Service {
  const { library, node, disk, log } = deps
  const sleep = deps.sleep ?? ((ms, signal) => delay(ms, undefined, { signal }))
  const startAt = deps.startAt ?? ((count) => Math.floor(Math.random() * count))
  const stop = new AbortController()
  const descriptors = createDescriptors({ max: MAX_DESCRIPTORS })
  const running = loop()

  async function loop(): Promise<void> {
    try {
      await sleep(config.firstMs, stop.signal)
      while (!stop.signal.aborted) {
        await pass()
        await sleep(config.everyMs, stop.signal)
      }
    } catch (err) {
      if (!stop.signal.aborted) log.error({ err }, 'the scrub ended')
    }
  }

  async function pass(): Promise<void> {
    const torrents = [...library.list()]
    const first = startAt(torrents.length)
    const inTurn = [...torrents.slice(first), ...torrents.slice(0, first)]
    let wrong = 0
    for (const infoHash of inTurn) {
      await pace(config.bytesPerTorrent)
      if (library.complete(infoHash)) wrong += await scrub(infoHash)
    }
    log.info({ torrents: torrents.length, wrong }, 'the library was read through')
  }

  async function pace(bytes: number): Promise<void> {
    await sleep((1000 * bytes) / config.bytesPerSecond, stop.signal)
  }

  /** Resolves with the number of wrong pieces. A torrent that cannot be read stops no other. */
  async function scrub(infoHash: InfoHash): Promise<number> {
    try {
      const store = await library.open(infoHash)
      if (store === undefined) return 0
      const onWrong = (index: number) => node.mend(infoHash, index)
      try {
        return await scrubPieces(store, { descriptors, jobs: disk, pace, onWrong }, stop.signal)
      } finally {
        await store.close()
      }
    } catch (err) {
      if (!stop.signal.aborted) log.warn({ err, infoHash }, 'a torrent could not be read through')
      return 0
    }
  }

  return {
    name: 'scrub',
    async close() {
      stop.abort()
      await running
      await descriptors.close()
    }
  }
}
