/** Reads a control interface as a node would, for the suites. */
import { AppError } from '../../core/errors.ts'
import type { Change, Control, Position } from '../../lib/control/control.ts'
import { FleetState } from '../../lib/control/fleet-state.ts'

/** Where the feed stands now. */
export async function positionOf(control: Control): Promise<Position> {
  let { position: at } = await control.snapshot()
  for (;;) {
    const page = await control.changes(at, 0)
    if (page.kind === 'reset') throw new AppError('EPOCH_CHANGED', 'the epoch ended meanwhile')
    at = page.position
    if (page.changes.length === 0) return at
  }
}

export async function changesAfter(control: Control, after: Position): Promise<Change[]> {
  const changes: Change[] = []
  let at = after
  for (;;) {
    const page = await control.changes(at, 0)
    if (page.kind === 'reset') throw new AppError('EPOCH_CHANGED', 'the epoch ended meanwhile')
    if (page.changes.length === 0) return changes
    changes.push(...page.changes)
    at = page.position
  }
}

/** Everything there is, from the snapshot. */
export async function stateOf(control: Control): Promise<FleetState> {
  const state = new FleetState()
  let page = await control.snapshot()
  const { position: first } = page
  for (;;) {
    for (const change of page.changes) state.apply(change)
    if (page.next === null) return state
    page = await control.snapshot(page.next)
    if (page.position.revision !== first.revision) throw new Error('the position moved')
  }
}

export function revisionOf(change: Change): number {
  switch (change.type) {
    case 'entry':
      return change.entry.revision
    case 'node':
      return change.node.revision
    case 'holding':
      return change.holding.revision
    case 'key':
      return change.key.revision
    case 'signing-key':
      return change.signingKey.revision
  }
}
