/**
 * All torrents at one list of trackers: who is due, in what order, how many at once.
 *
 * One heap and one timer for any number of torrents. First comes what somebody waits for (`URGENT`),
 * then whatever has been due longest. Torrents that are complete when they are first announced wait
 * for a slot, so that a restart with thousands of them is spread over minutes and no burst.
 * While every tracker of the list rests, waiting costs nothing but the heap.
 */
import type { AnnounceAnswer, AnnounceEvent } from './announce-exchange.ts'
import {
  type AnnouncedTorrent,
  type AnnounceLine,
  type AnnounceTiming,
  createLine,
  eventFor,
  noteAccepted,
  pauseAfter,
  pauseAfterRefusal
} from './announce-line.ts'
import { createTiers, type Tracker } from './announce-tiers.ts'
import { DueHeap } from './due-heap.ts'

const MAX_AT_ONCE = 16
/** Earlier than any time: before everything that is merely due, and asked even of a resting tracker. */
const URGENT = 0
/** Longer waits are cut into pieces; a timer holds 24 days at most. */
const MAX_TIMER_MS = 3_600_000

export interface AnnounceListDeps {
  /** One exchange; rejects when there was no answer. */
  readonly send: (
    url: string,
    line: AnnounceLine,
    event: AnnounceEvent | undefined
  ) => Promise<AnnounceAnswer>
  /** Returns how many of the peers are of use. */
  readonly onPeers: (
    torrent: AnnouncedTorrent,
    url: string,
    peers: readonly { readonly host: string; readonly port: number }[]
  ) => number
  readonly onFailure: (
    torrent: AnnouncedTorrent,
    url: string,
    reason: string,
    err?: unknown
  ) => void
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number
}

export interface AnnounceList {
  /** Announces from now on. A torrent that misses bytes goes first, any other when it has a slot. */
  add(torrent: AnnouncedTorrent): AnnounceLine
  /** Somebody waits for peers: what has not been told yet goes first. */
  hurry(line: AnnounceLine): void
  /** The torrent became complete. */
  complete(line: AnnounceLine): void
  /** Tells whoever knows of us, and ends. Resolves in any case. */
  remove(line: AnnounceLine): Promise<void>
  /** Ends what waits; exchanges under way are the transport's to end. */
  close(): void
}

export function createAnnounceList(
  urls: readonly (readonly string[])[],
  timing: AnnounceTiming,
  { send, onPeers, onFailure, now }: AnnounceListDeps
): AnnounceList {
  const tiers = createTiers(urls, timing)
  const heap = new DueHeap<AnnounceLine>()
  let timer: NodeJS.Timeout | undefined
  let timerAt = Number.POSITIVE_INFINITY
  let underWay = 0
  let slotAt = 0
  let closed = false

  function put(line: AnnounceLine, dueAt: number): void {
    if (closed) return
    heap.put(line, dueAt)
    arm()
  }

  /** Lets the timer ring for whoever is first; the end of an exchange rings as well. */
  function arm(): void {
    const dueAt = heap.first?.dueAt ?? Number.POSITIVE_INFINITY
    if (closed || underWay >= MAX_AT_ONCE || dueAt >= timerAt) return
    clearTimeout(timer)
    timerAt = dueAt
    timer = setTimeout(ring, Math.min(Math.max(0, dueAt - now()), MAX_TIMER_MS))
  }

  function ring(): void {
    clearTimeout(timer)
    timerAt = Number.POSITIVE_INFINITY
    const time = now()
    for (let line = heap.first; line !== undefined && line.dueAt <= time; line = heap.first) {
      if (underWay >= MAX_AT_ONCE) return
      heap.remove(line)
      if (tiers.readyAt > time && line.dueAt !== URGENT) rest(line)
      else start(line)
    }
    arm()
  }

  function start(line: AnnounceLine): void {
    underWay++
    line.busy = true
    const work = line.onEnd === undefined ? tell(line) : bid(line)
    const ended = work.catch((err: unknown) => {
      onFailure(line.torrent, '', 'the answer could not be used', err)
      again(line, now() + timing.lastRetryMs)
    })
    void ended.finally(() => {
      underWay--
      line.busy = false
      if (line.onEnd !== undefined) finish(line)
      ring()
    })
  }

  /** Asks the candidates in turn until one takes it; then says when to come again. */
  async function tell(line: AnnounceLine): Promise<void> {
    const refusing = new Set<string>()
    let pause: number | undefined
    for (const tracker of tiers.candidates(now(), line.dueAt === URGENT)) {
      if (refusing.has(tracker.site)) continue
      const event = eventFor(line, tracker)
      const answer = await ask(tracker, line, event)
      if (answer?.status === 'accepted') {
        noteAccepted(line, tracker, event, answer)
        const peers = onPeers(line.torrent, tracker.url, answer.peers)
        return again(line, now() + pauseAfter(line, answer, peers, timing))
      }
      if (line.onEnd !== undefined) return
      if (answer === undefined) continue
      refusing.add(tracker.site)
      pause = Math.min(pause ?? Number.POSITIVE_INFINITY, refused(line, tracker, answer))
    }
    if (pause === undefined) rest(line)
    else if (pause !== Number.POSITIVE_INFINITY) again(line, now() + pause)
  }

  /** The pause a refusal asks for; infinite when the torrent is never to be announced again. */
  function refused(
    line: AnnounceLine,
    tracker: Tracker,
    answer: Extract<AnnounceAnswer, { status: 'refused' }>
  ): number {
    onFailure(line.torrent, tracker.url, answer.reason)
    if (answer.retryMinutes !== 'never') {
      return pauseAfterRefusal(line, answer.retryMinutes, timing)
    }
    if (line.knownBy === tracker) line.knownBy = undefined
    return Number.POSITIVE_INFINITY
  }

  /** Undefined when the tracker did not answer, or not as a tracker. */
  async function ask(tracker: Tracker, line: AnnounceLine, event: AnnounceEvent | undefined) {
    try {
      const answer = await send(tracker.url, line, event)
      if (answer.status === 'malformed') throw new Error('the answer is no tracker answer')
      tiers.answered(tracker)
      return answer
    } catch (err) {
      tiers.failed(tracker, now())
      if (line.onEnd === undefined) onFailure(line.torrent, tracker.url, 'no answer', err)
      return undefined
    }
  }

  async function bid(line: AnnounceLine): Promise<void> {
    const { knownBy } = line
    line.knownBy = undefined
    if (knownBy !== undefined) await ask(knownBy, line, 'stopped')
  }

  /** When the first tracker is ready again; many torrents are spread, not sent at once. */
  function rest(line: AnnounceLine): void {
    const spread = timing.spacingMs * heap.size * Math.random()
    again(line, Math.max(tiers.readyAt, now()) + spread)
  }

  function again(line: AnnounceLine, dueAt: number): void {
    if (line.onEnd === undefined) put(line, dueAt)
  }

  /** A forgotten torrent: says goodbye to whoever knows of it, if that one answers at all. */
  function finish(line: AnnounceLine): void {
    const isHeard = line.knownBy !== undefined && line.knownBy.restsUntil <= now()
    if (isHeard && !closed) put(line, URGENT)
    else line.onEnd?.()
  }

  return {
    add(torrent) {
      const line = createLine(torrent)
      if (torrent.left() === 0) slotAt = Math.max(now(), slotAt + timing.spacingMs)
      put(line, torrent.left() === 0 ? slotAt : URGENT)
      return line
    },
    hurry(line) {
      const isUntold = line.knownBy === undefined && line.fruitless === 0
      if (isUntold && line.place >= 0 && line.onEnd === undefined) put(line, URGENT)
    },
    complete(line) {
      line.completedDue = true
      if (line.knownBy !== undefined && line.place >= 0) again(line, now())
    },
    remove(line) {
      heap.remove(line)
      return new Promise((resolve) => {
        line.onEnd = resolve
        if (!line.busy) finish(line)
      })
    },
    close() {
      closed = true
      clearTimeout(timer)
      for (let line = heap.first; line !== undefined; line = heap.first) {
        heap.remove(line)
        line.onEnd?.()
      }
    }
  }
}
