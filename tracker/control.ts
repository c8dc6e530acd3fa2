/**
 * The tracker's own control interface: the catalogue, made to wait, to lease and to place.
 *
 * In one process nodes call it directly; `routes.ts` offers the same over HTTP. Both pass
 * `test/contract/control-suite.ts`.
 */
import type { ChangePage, Control, NodeRegistration, Position } from '../lib/control/control.ts'
import type { Service } from '../lib/process/service.ts'
import type { Catalogue } from './catalogue/catalogue.ts'
import { createChangeSignal } from './change-signal.ts'
import { createAssignments } from './fleet/assignments.ts'

const MAX_WAIT_MS = 30_000
const MAX_WAITERS = 10_000
const PAGE = 1000

export interface ControlConfig {
  readonly leaseMs: number
  /** Changes per page of the feed and of the snapshot. */
  readonly pageSize?: number
}

export interface ControlDeps {
  readonly catalogue: Catalogue
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Shows the fleet's first API key to its operator. It is called once, and nobody keeps it. */
  readonly announceKey: (key: string) => void
}

/** `close` ends the waiting of long polls; the catalogue stays open. */
export function createControl(config: ControlConfig, deps: ControlDeps): Control & Service {
  const { catalogue, now } = deps
  const { leaseMs, pageSize = PAGE } = config
  const signal = createChangeSignal({ maxWaiters: MAX_WAITERS })
  const assignments = createAssignments(catalogue)
  const stopListening = catalogue.onChange(() => signal.raise())
  const leaseUntil = () => now() + leaseMs

  async function changes(
    after: Position,
    waitMs: number,
    abort?: AbortSignal
  ): Promise<ChangePage> {
    const seen = signal.turn
    const page = await catalogue.feed(after, pageSize)
    if (page.kind === 'reset' || page.changes.length > 0) return page
    await signal.wait(seen, Math.min(waitMs, MAX_WAIT_MS), abort)
    return signal.turn === seen ? page : catalogue.feed(after, pageSize)
  }

  async function register(node: NodeRegistration) {
    await catalogue.register(node, leaseUntil())
    const key = node.wantsKey ? await catalogue.createFirstKey() : undefined
    if (key !== undefined) deps.announceKey(key)
    return { leaseMs, registerAgain: false }
  }

  return {
    name: 'control',
    commit: (draft, info, nodeId, { keepTombstone = false } = {}) =>
      catalogue.commit({ draft, info, nodeId, keepTombstone, createdAt: now() }),
    lookup: catalogue.lookup,
    metainfo: catalogue.metainfo,
    list: catalogue.list,
    unpublish: catalogue.unpublish,
    changes,
    snapshot: (cursor) => catalogue.snapshot(cursor, pageSize),
    register,
    async heartbeat(nodeId, report) {
      const known = await catalogue.heartbeat(nodeId, report, leaseUntil())
      return { leaseMs, registerAgain: !known }
    },
    report: catalogue.report,
    assignments: assignments.of,
    async close() {
      stopListening()
      signal.close()
    }
  }
}
