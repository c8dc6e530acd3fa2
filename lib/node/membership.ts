/**
 * A node's membership in the fleet: it registers, keeps its lease by heartbeat, and registers
 * again when the tracker has forgotten it.
 *
 * A tracker that does not answer is waited for with back-off; nothing else of the node depends on
 * it. `registered` resolves at the first registration.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Control, NodeId, NodeRegistration, NodeReport } from '../control/control.ts'
import { abortable } from '../process/abortable.ts'
import type { Log, Service } from '../process/service.ts'

const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = 15_000
/** Heartbeats per lease, so that one or two lost ones do not end it. */
const BEATS_PER_LEASE = 3

export interface MembershipDeps {
  readonly control: Pick<Control, 'register' | 'heartbeat'>
  /** What the node says of itself at this moment. */
  readonly describe: () => Promise<NodeRegistration>
  /** Runs after every registration: the tracker may know nothing of the node's holdings. */
  readonly onRegistered: () => Promise<void>
  readonly log: Log
}

export interface Membership extends Service {
  readonly registered: boolean
}

export function startMembership(nodeId: NodeId, deps: MembershipDeps): Membership {
  const stop = new AbortController()
  let registered = false
  const running = loop()

  async function loop(): Promise<void> {
    let retryMs = FIRST_RETRY_MS
    while (!stop.signal.aborted) {
      try {
        // A tracker that hangs must not hold up the end of the process.
        const waitMs = await abortable(registered ? beat() : register(), stop.signal)
        retryMs = FIRST_RETRY_MS
        await pause(waitMs)
      } catch (err) {
        if (stop.signal.aborted) return
        deps.log.warn({ err, retryMs }, 'the tracker took no sign of life')
        await pause(retryMs)
        retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)
      }
    }
  }

  async function register(): Promise<number> {
    const { leaseMs } = await deps.control.register(await deps.describe())
    await deps.onRegistered()
    registered = true
    deps.log.info({ nodeId }, 'registered with the tracker')
    return leaseMs / BEATS_PER_LEASE
  }

  async function beat(): Promise<number> {
    const { freeBytes, draining }: NodeReport = await deps.describe()
    const { leaseMs, registerAgain } = await deps.control.heartbeat(nodeId, { freeBytes, draining })
    if (!registerAgain) return leaseMs / BEATS_PER_LEASE
    registered = false
    return 0
  }

  async function pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: stop.signal }).catch(() => {})
  }

  return {
    name: 'membership',
    get registered() {
      return registered
    },
    async close() {
      stop.abort()
      await running
    }
  }
}
