/**
 * One torrent at one tracker: what has been told, what is due, and when.
 *
 * Says the truth in the order BEP 3 wants it: `started` until the tracker took it, `completed` once
 * if the torrent became complete in this life, then the interval, `stopped` only after a `started`
 * was taken. Announces of one job never overlap.
 */
import type { AnnounceAnswer, AnnounceEvent } from './announce-exchange.ts'

export interface AnnounceTiming {
  /** Bounds of the interval a tracker may ask for, and what is used when it names none. */
  readonly minIntervalMs: number
  readonly maxIntervalMs: number
  readonly defaultIntervalMs: number
  /** First and longest pause after a failure. */
  readonly firstRetryMs: number
  readonly lastRetryMs: number
}

export interface AnnounceJob {
  /** Announce what is due at once. */
  start(): void
  /** The torrent became complete. */
  complete(): void
  /** Tells the tracker, if it knows of us, and ends. Resolves in any case. */
  stop(): Promise<void>
}

export interface AnnounceJobDeps {
  /** One exchange; rejects when there was no answer. */
  readonly send: (
    event: AnnounceEvent | undefined,
    trackerId: string | undefined
  ) => Promise<AnnounceAnswer>
  readonly onPeers: (peers: readonly { readonly host: string; readonly port: number }[]) => void
  readonly onFailure: (reason: string, err?: unknown) => void
}

export function createAnnounceJob(timing: AnnounceTiming, deps: AnnounceJobDeps): AnnounceJob {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  let started = false
  let completedDue = false
  let failures = 0
  let trackerId: string | undefined
  let stopped = false

  function schedule(ms: number): void {
    clearTimeout(timer)
    if (!stopped) timer = setTimeout(start, ms)
  }

  function start(): void {
    clearTimeout(timer)
    if (stopped || running !== undefined) return
    running = announce().finally(() => {
      running = undefined
    })
  }

  async function announce(): Promise<void> {
    const event = started ? (completedDue ? 'completed' : undefined) : 'started'
    try {
      const answer = await deps.send(event, trackerId)
      if (answer.status === 'accepted') accepted(event, answer)
      else refused(answer)
    } catch (err) {
      failed('no answer', err)
    }
  }

  function accepted(
    event: AnnounceEvent | undefined,
    answer: Extract<AnnounceAnswer, { status: 'accepted' }>
  ): void {
    failures = 0
    trackerId = answer.trackerId ?? trackerId
    if (event === 'started') started = true
    if (event === 'completed') completedDue = false
    if (!stopped) deps.onPeers(answer.peers)
    schedule(started && completedDue ? 0 : intervalMs(answer))
  }

  /** Jitter is only ever added: an announce before the interval is over may be refused. */
  function intervalMs({
    interval,
    minInterval
  }: {
    interval?: number | undefined
    minInterval?: number | undefined
  }): number {
    const asked = Math.max((interval ?? 0) * 1000, (minInterval ?? 0) * 1000)
    const base = asked > 0 ? asked : timing.defaultIntervalMs
    const bounded = Math.min(Math.max(base, timing.minIntervalMs), timing.maxIntervalMs)
    return bounded * (1 + Math.random() / 10)
  }

  function refused(answer: Exclude<AnnounceAnswer, { status: 'accepted' }>): void {
    failed(answer.status === 'refused' ? answer.reason : 'the answer is no tracker answer')
    if (answer.status === 'malformed' || answer.retryMinutes === undefined) return
    if (answer.retryMinutes === 'never') clearTimeout(timer)
    else schedule(answer.retryMinutes * 60_000)
  }

  function failed(reason: string, err?: unknown): void {
    if (stopped) return
    deps.onFailure(reason, err)
    const pause = Math.min(timing.lastRetryMs, timing.firstRetryMs * 2 ** Math.min(failures++, 20))
    schedule(pause * (1 + Math.random() / 4))
  }

  async function stop(): Promise<void> {
    if (stopped) return
    stopped = true
    clearTimeout(timer)
    await running
    if (!started) return
    await deps.send('stopped', trackerId).then(
      () => {},
      (err: unknown) => deps.onFailure('the tracker did not hear that we left', err)
    )
  }

  return {
    start,
    complete() {
      completedDue = true
      if (started) start()
    },
    stop
  }
}
