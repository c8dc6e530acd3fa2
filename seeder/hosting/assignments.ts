/**
 * Fetching what the tracker wants this node to hold.
 *
 * The tracker's list is the only truth: each round takes it anew, fetches a few torrents at a
 * time, and lets what failed rest for a while. A fetch that does not get on gives its place to
 * others after a while; the node keeps what it has of it and goes on in the background.
 */
import { AppError } from '../../core/errors.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import type { Log, Service } from '../../lib/process/service.ts'

export interface AssignmentsConfig {
  readonly parallel: number
  /** How long one fetch may keep its place. */
  readonly patienceMs: number
  /** The rest after a first failure; doubled up to `lastRestMs`. */
  readonly firstRestMs: number
  readonly lastRestMs: number
}

export interface AssignmentsDeps {
  /** What this node should hold and does not yet; at most 1000 (see `Control.assignments`). */
  readonly ask: () => Promise<readonly InfoHash[]>
  /** Resolves when the torrent is complete, durable and reported. */
  readonly host: (infoHash: InfoHash, signal: AbortSignal) => Promise<void>
  /** The list has been worked off. */
  readonly onDone: () => void
  readonly log: Log
  /** Monotonic milliseconds. */
  readonly now: () => number
}

export interface Assignments extends Service {
  /** Takes the list as it is now and begins what is new in it. */
  poll(): Promise<void>
}

interface Rest {
  readonly failures: number
  readonly until: number
}

export function createAssignments(config: AssignmentsConfig, deps: AssignmentsDeps): Assignments {
  const stop = new AbortController()
  const running = new Map<InfoHash, Promise<void>>()
  const rests = new Map<InfoHash, Rest>()
  let queue: InfoHash[] = []

  async function poll(): Promise<void> {
    const list = new Set(await deps.ask())
    for (const infoHash of rests.keys()) if (!list.has(infoHash)) rests.delete(infoHash)
    const now = deps.now()
    queue = [...list].filter((infoHash) => {
      return !running.has(infoHash) && (rests.get(infoHash)?.until ?? 0) <= now
    })
    fill()
  }

  function fill(): void {
    while (running.size < config.parallel && !stop.signal.aborted) {
      const infoHash = queue.shift()
      if (infoHash === undefined) break
      const fetching = fetch(infoHash).finally(() => {
        running.delete(infoHash)
        fill()
        if (running.size === 0 && !stop.signal.aborted) deps.onDone()
      })
      running.set(infoHash, fetching)
    }
  }

  async function fetch(infoHash: InfoHash): Promise<void> {
    const failures = rests.get(infoHash)?.failures ?? 0
    const patience = new AbortController()
    const timer = setTimeout(() => patience.abort(tooSlow(infoHash)), config.patienceMs)
    try {
      await deps.host(infoHash, AbortSignal.any([stop.signal, patience.signal]))
      // The tracker hears of it by the report; until then the list still names it.
      rest(infoHash, 0)
      deps.log.info({ infoHash }, 'assigned torrent is complete')
    } catch (err) {
      if (stop.signal.aborted) return
      rest(infoHash, failures + 1)
      deps.log.warn({ err, infoHash, failures: failures + 1 }, 'assigned torrent was not fetched')
    } finally {
      clearTimeout(timer)
    }
  }

  function rest(infoHash: InfoHash, failures: number): void {
    const ms = config.firstRestMs * 2 ** Math.min(30, Math.max(0, failures - 1))
    rests.set(infoHash, { failures, until: deps.now() + Math.min(ms, config.lastRestMs) })
  }

  return {
    name: 'assignments',
    poll,
    async close() {
      stop.abort(new AppError('SHUTTING_DOWN', 'the seeder is shutting down'))
      await Promise.allSettled(running.values())
    }
  }
}

function tooSlow(infoHash: InfoHash): AppError {
  return new AppError('SWARM_TIMEOUT', `${infoHash} is not complete yet`)
}
