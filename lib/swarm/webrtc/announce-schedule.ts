/**
 * Which torrent to announce next over one tracker socket.
 *
 * Pure: the clock is an argument. What is news (started, completed, stopped) goes first, in order;
 * the rest goes round, each again after the tracker's interval. All share that interval, so the
 * order of a queue is the order of due times and nothing is ever sorted: ten thousand torrents cost
 * a map entry each. A tracker forgets us with the socket, so after `reset` all of them are news.
 */
import type { InfoHash } from '../../../core/info-hash.ts'
import type { AnnounceEvent } from '../announce-exchange.ts'

const MIN_INTERVAL_MS = 30_000
const MAX_INTERVAL_MS = 3_600_000
const DEFAULT_INTERVAL_MS = 120_000
/** Part of the interval by which an announce may come early, so that they do not stay in step. */
const JITTER = 0.1

export interface DueAnnounce {
  readonly infoHash: InfoHash
  readonly left: number
  readonly event: AnnounceEvent | undefined
}

export interface AnnounceSchedule {
  /** Adds the torrent, or notes that less of it is missing. */
  put(infoHash: InfoHash, left: number): void
  remove(infoHash: InfoHash): void
  /** The tracker asks to be left alone for so long; undefined keeps what it said before. */
  interval(seconds: number | undefined): void
  /** A new socket: the tracker knows nothing of us. */
  reset(): void
  /** Every torrent is due as `stopped`, and nothing else ever again. */
  stop(): void
  /** The next announce to send now; undefined when none is due. */
  take(nowMs: number): DueAnnounce | undefined
  /** When `take` is worth a call again; undefined: not before something is put. */
  readonly dueMs: number | undefined
}

interface Entry {
  left: number
  dueMs: number
}

/** @param random of [0, 1) */
export function createAnnounceSchedule(random: () => number = Math.random): AnnounceSchedule {
  const news = new Map<InfoHash, DueAnnounce>()
  const torrents = new Map<InfoHash, Entry>()
  let intervalMs = DEFAULT_INTERVAL_MS

  function put(infoHash: InfoHash, left: number): void {
    const entry = torrents.get(infoHash)
    const event = eventOf(infoHash, entry, left)
    if (entry === undefined) torrents.set(infoHash, { left, dueMs: Number.POSITIVE_INFINITY })
    else entry.left = left
    if (event !== undefined) news.set(infoHash, { infoHash, left, event })
  }

  /** What a tracker was not told yet stays `started`. */
  function eventOf(infoHash: InfoHash, entry: Entry | undefined, left: number) {
    if (entry === undefined || news.get(infoHash)?.event === 'started') return 'started'
    return entry.left > 0 && left === 0 ? 'completed' : undefined
  }

  function remove(infoHash: InfoHash): void {
    const entry = torrents.get(infoHash)
    if (entry === undefined) return
    torrents.delete(infoHash)
    const untold = news.get(infoHash)?.event === 'started'
    if (untold) news.delete(infoHash)
    else news.set(infoHash, { infoHash, left: entry.left, event: 'stopped' })
  }

  function reset(): void {
    news.clear()
    for (const [infoHash, entry] of torrents) {
      entry.dueMs = Number.POSITIVE_INFINITY
      news.set(infoHash, { infoHash, left: entry.left, event: 'started' })
    }
  }

  function take(nowMs: number): DueAnnounce | undefined {
    for (const [infoHash, due] of news) {
      news.delete(infoHash)
      requeue(infoHash, nowMs)
      return due
    }
    for (const [infoHash, { left, dueMs }] of torrents) {
      if (dueMs > nowMs) return undefined
      requeue(infoHash, nowMs)
      return { infoHash, left, event: undefined }
    }
    return undefined
  }

  /** To the end of the queue. */
  function requeue(infoHash: InfoHash, nowMs: number): void {
    const entry = torrents.get(infoHash)
    if (entry === undefined) return
    entry.dueMs = nowMs + intervalMs * (1 - JITTER * random())
    torrents.delete(infoHash)
    torrents.set(infoHash, entry)
  }

  return {
    put,
    remove,
    interval(seconds) {
      if (seconds === undefined) return
      intervalMs = Math.min(MAX_INTERVAL_MS, Math.max(MIN_INTERVAL_MS, seconds * 1000))
    },
    reset,
    stop() {
      for (const infoHash of [...torrents.keys()]) remove(infoHash)
    },
    take,
    get dueMs() {
      if (news.size > 0) return 0
      for (const { dueMs } of torrents.values()) return dueMs
      return undefined
    }
  }
}
