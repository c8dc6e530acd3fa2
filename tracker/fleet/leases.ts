/**
 * Ends the leases of nodes that stopped sending heartbeats.
 *
 * A tracker that starts first gives every node a whole lease: while it was away, nobody could
 * renew. A sweep that fails is logged and made up for by the next.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Log, Service } from '../../lib/process/service.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'

/** Nodes that have been dead for so long are forgotten when the tracker starts. */
const FORGET_AFTER_MS = 30 * 24 * 3_600_000

export interface LeaseConfig {
  /** A node that is silent for longer is dead. */
  readonly leaseMs: number
  /** How often leases are looked at. */
  readonly sweepMs: number
}

export interface LeaseDeps {
  readonly catalogue: Pick<Catalogue, 'expire' | 'extendLeases' | 'forgetNodes'>
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly log: Log
}

export interface Leases extends Service {
  /** Looks at every lease now. */
  sweep(): Promise<void>
}

export async function startLeases(config: LeaseConfig, deps: LeaseDeps): Promise<Leases> {
  const { catalogue, now, log } = deps
  const stop = new AbortController()
  await catalogue.forgetNodes(now() - FORGET_AFTER_MS)
  await catalogue.extendLeases(now() + config.leaseMs)
  const running = loop()

  async function loop(): Promise<void> {
    for (;;) {
      await delay(config.sweepMs, undefined, { signal: stop.signal }).catch(() => {})
      if (stop.signal.aborted) return
      await sweep().catch((err) => log.error({ err }, 'leases could not be swept'))
    }
  }

  const sweep = () => catalogue.expire(now())

  return {
    name: 'leases',
    sweep,
    async close() {
      stop.abort()
      await running
    }
  }
}
