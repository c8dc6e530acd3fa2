/**
 * Follows the tracker's change feed: long polls, backs off while there is no answer, takes the
 * snapshot when its position is not in the feed (any more).
 *
 * It holds no state of the fleet: `advance` and `replace` take what arrives, in order. An outage
 * is logged once when it begins and once when it ends.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { abortable } from '../process/abortable.ts'
import type { Log, Service } from '../process/service.ts'
import type { Change, Control, Position } from './control.ts'
import { FleetState } from './fleet-state.ts'

const WAIT_MS = 25_000
const FIRST_RETRY_MS = 100
const LAST_RETRY_MS = 10_000

export interface FeedFollowerDeps {
  readonly control: Pick<Control, 'changes' | 'snapshot'>
  readonly position: () => Position | undefined
  /** A page of the feed, to be applied in order. */
  readonly advance: (position: Position, changes: readonly Change[]) => void
  /** A whole snapshot, which takes the place of everything. */
  readonly replace: (position: Position, state: FleetState) => void
  readonly log: Log
}

export interface FeedFollower extends Service {
  readonly connected: boolean
  /** Resolves at the first empty page: there is nothing more to know. */
  readonly caughtUp: Promise<void>
}

export function followFeed(deps: FeedFollowerDeps): FeedFollower {
  const { control, log } = deps
  const stop = new AbortController()
  const first = Promise.withResolvers<void>()
  let connected = false
  let current = false
  let retryMs = FIRST_RETRY_MS
  const running = loop()

  async function loop(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        await step()
        noteAnswer()
      } catch (err) {
        if (!stop.signal.aborted) await backOff(err)
      }
    }
  }

  async function step(): Promise<void> {
    const position = deps.position()
    if (position === undefined) return takeSnapshot()
    const page = await control.changes(position, current ? WAIT_MS : 0, stop.signal)
    if (stop.signal.aborted) return
    if (page.kind === 'reset') return takeSnapshot()
    deps.advance(page.position, page.changes)
    if (page.changes.length > 0) return
    current = true
    first.resolve()
  }

  async function takeSnapshot(): Promise<void> {
    const state = new FleetState()
    let page = await abortable(control.snapshot(), stop.signal)
    const { position } = page
    for (;;) {
      for (const change of page.changes) state.apply(change)
      if (page.next === null || stop.signal.aborted) break
      page = await abortable(control.snapshot(page.next), stop.signal)
    }
    if (stop.signal.aborted) return
    deps.replace(position, state)
    log.info({ ...position, entries: state.entries.size }, 'took the snapshot of the fleet')
  }

  function noteAnswer(): void {
    if (!connected) log.info({}, 'following the change feed')
    connected = true
    retryMs = FIRST_RETRY_MS
  }

  async function backOff(err: unknown): Promise<void> {
    const facts = { err, retryMs }
    if (connected || retryMs === FIRST_RETRY_MS) log.warn(facts, 'the change feed is interrupted')
    else log.debug(facts, 'the change feed is still interrupted')
    connected = false
    current = false
    const jitterMs = retryMs * (0.5 + Math.random())
    await delay(jitterMs, undefined, { signal: stop.signal }).catch(() => {})
    retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)
  }

  async function close(): Promise<void> {
    stop.abort(new Error('the replica is closed'))
    await running
  }

  return {
    name: 'feed follower',
    get connected() {
      return connected
    },
    caughtUp: first.promise,
    close
  }
}
