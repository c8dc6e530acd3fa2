/** A catalogue in memory and a node that only writes down what it was told: for seeder tests. */
import { AppError } from '../../core/errors.ts'
import { type InfoHash, infoHashOf } from '../../core/info-hash.ts'
import type { Change, CommitOutcome, Control, Entry } from '../../lib/control/control.ts'

export const NODE_ID = '0'.repeat(31).concat('1')

export interface Commit {
  readonly infoHash: InfoHash
  readonly keepTombstone: boolean
}

/** Tracker and replica in one: what is committed is known at once. */
export function memoryCatalogue() {
  const entries = new Map<InfoHash, Entry>()
  const commits: Commit[] = []
  const listeners = new Set<(change: Change) => void>()
  let revision = 0
  let assigned: InfoHash[] = []

  function tell(entry: Entry): void {
    entries.set(entry.infoHash, entry)
    for (const listener of listeners) listener({ type: 'entry', entry })
  }

  const commit: Control['commit'] = async (
    draft,
    info,
    _nodeId,
    options
  ): Promise<CommitOutcome> => {
    const keepTombstone = options?.keepTombstone === true
    commits.push({ infoHash: draft.infoHash, keepTombstone })
    if (catalogue.down) throw new AppError('TRACKER_UNAVAILABLE', 'no answer')
    if (infoHashOf(info) !== draft.infoHash) throw new AppError('METAINFO_INVALID', 'wrong info')
    const known = entries.get(draft.infoHash)
    if (known?.state === 'published') return { status: 'known', entry: known }
    if (known !== undefined && keepTombstone) return { status: 'known', entry: known }
    const entry: Entry = {
      ...draft,
      revision: ++revision,
      state: 'published',
      replicas: draft.replicas ?? 2,
      createdAt: 1_700_000_000_000
    }
    tell(entry)
    return { status: 'created', entry }
  }

  const catalogue = {
    /** The tracker does not answer. */
    down: false,
    commits,
    entries,
    commit,
    entry: (infoHash: InfoHash) => entries.get(infoHash),
    lookup: async (infoHash: InfoHash) => entries.get(infoHash),
    caughtUp: async () => {},
    apply: (change: Change) => {
      if (change.type === 'entry') entries.set(change.entry.infoHash, change.entry)
    },
    on: (listener: (change: Change) => void) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    holders: () => [],
    nodes: () => [],
    assign: (list: InfoHash[]) => {
      assigned = list
    },
    assignments: async () => assigned,
    unpublish: (infoHash: InfoHash) => {
      const entry = entries.get(infoHash)
      if (entry) tell({ ...entry, state: 'unpublished', revision: ++revision })
    }
  }
  return catalogue
}

export type MemoryCatalogue = ReturnType<typeof memoryCatalogue>

/** @param remove what dropping does, for instance the library's removal. */
export function recordingNode(remove: (infoHash: InfoHash) => Promise<void> = async () => {}) {
  const shared: InfoHash[] = []
  const dropped: InfoHash[] = []
  return {
    id: NODE_ID,
    shared,
    dropped,
    share: async (infoHash: InfoHash) => {
      shared.push(infoHash)
    },
    drop: async (infoHash: InfoHash) => {
      dropped.push(infoHash)
      await remove(infoHash)
    },
    mend: () => {}
  }
}
