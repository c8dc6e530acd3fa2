/**
 * One torrent at one list of trackers: what has been told, and what is due next.
 *
 * Plain data of about a hundred bytes, since ten thousand of them wait at once. What is told is the
 * truth, in the order BEP 3 wants it: `started` until a tracker took it, and again to another one
 * that takes over; `completed` once, if the torrent became complete in this life; `stopped` only to
 * whoever took the `started`.
 */
import type { InfoHash } from '../../core/info-hash.ts'
import type { AnnounceAnswer, AnnounceEvent } from './announce-exchange.ts'
import type { RestTiming, Tracker } from './announce-tiers.ts'
import type { Due } from './due-heap.ts'

/** A torrent is not asked about again for longer than this, whatever a tracker wishes. */
const MAX_PAUSE_MS = 24 * 3_600_000

export interface AnnounceTiming extends RestTiming {
  /** Bounds of the interval a tracker may ask for, and what is used when it names none. */
  readonly minIntervalMs: number
  readonly maxIntervalMs: number
  readonly defaultIntervalMs: number
  /** First pause of a torrent that misses bytes and was told of nobody; doubles up to the interval. */
  readonly hungryMs: number
  /** Between the first announces of torrents nobody waits for: a restart is spread over minutes. */
  readonly spacingMs: number
}

export interface AnnounceTotals {
  readonly uploaded: number
  readonly downloaded: number
}

export interface AnnouncedTorrent {
  readonly infoHash: InfoHash
  /** Bytes missing. */
  readonly left: () => number
  readonly totals: () => AnnounceTotals
}

export interface AnnounceLine extends Due {
  readonly torrent: AnnouncedTorrent
  /** Who took our `started`. */
  knownBy: Tracker | undefined
  /** What that tracker wants to hear again. */
  trackerId: string | undefined
  completedDue: boolean
  /** An exchange is under way. */
  busy: boolean
  /** Announces in a row that brought nothing. */
  fruitless: number
  /** The torrent is forgotten; called when nothing is left to tell. */
  onEnd: (() => void) | undefined
}

export type AcceptedAnswer = Extract<AnnounceAnswer, { status: 'accepted' }>

export function createLine(torrent: AnnouncedTorrent): AnnounceLine {
  return {
    dueAt: 0,
    place: -1,
    torrent,
    knownBy: undefined,
    trackerId: undefined,
    completedDue: false,
    busy: false,
    fruitless: 0,
    onEnd: undefined
  }
}

/** What `tracker` is to hear now. */
export function eventFor(line: AnnounceLine, tracker: Tracker): AnnounceEvent | undefined {
  if (line.knownBy !== tracker) return 'started'
  return line.completedDue ? 'completed' : undefined
}

/** Notes what a tracker took. */
export function noteAccepted(
  line: AnnounceLine,
  tracker: Tracker,
  event: AnnounceEvent | undefined,
  answer: AcceptedAnswer
): void {
  const same = line.knownBy === tracker
  line.knownBy = tracker
  line.trackerId = answer.trackerId ?? (same ? line.trackerId : undefined)
  if (event === 'completed') line.completedDue = false
}

/**
 * Milliseconds until the next announce after an answer with `peers` peers for us. Jitter is only
 * ever added: an announce before the interval is over may be refused.
 */
export function pauseAfter(
  line: AnnounceLine,
  answer: AcceptedAnswer,
  peers: number,
  timing: AnnounceTiming
): number {
  if (line.completedDue) return 0
  const { interval = 0, minInterval = 0 } = answer
  const asked = Math.max(interval, minInterval) * 1000
  const bounded = within(timing, asked > 0 ? asked : timing.defaultIntervalMs)
  const isHungry = peers === 0 && line.torrent.left() > 0
  const hungry = Math.max(doubled(timing.hungryMs, line.fruitless), minInterval * 1000)
  line.fruitless = isHungry ? line.fruitless + 1 : 0
  return (isHungry ? Math.min(bounded, hungry) : bounded) * (1 + Math.random() / 10)
}

/** Milliseconds until a torrent that was refused is announced again. */
export function pauseAfterRefusal(
  line: AnnounceLine,
  retryMinutes: number | undefined,
  timing: AnnounceTiming
): number {
  if (retryMinutes !== undefined) return Math.min(retryMinutes * 60_000, MAX_PAUSE_MS)
  const pause = Math.min(timing.lastRetryMs, doubled(timing.firstRetryMs, line.fruitless++))
  return pause * (1 + Math.random() / 4)
}

function within({ minIntervalMs, maxIntervalMs }: AnnounceTiming, ms: number): number {
  return Math.min(Math.max(ms, minIntervalMs), maxIntervalMs)
}

function doubled(ms: number, times: number): number {
  return ms * 2 ** Math.min(times, 20)
}
