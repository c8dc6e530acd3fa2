/**
 * A node's copy of the fleet's state: follows the tracker's change feed, remembers it on disk.
 *
 * Guarantees: while the tracker is down, the last known state is served, also after a restart;
 * an outage never removes anything; after a reset (another epoch) the snapshot replaces the state,
 * and listeners are told only of what is there, so that absence is never a deletion.
 * Not its job: acting on changes (the node's), leases (membership).
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { InfoHash } from '../../core/info-hash.ts'
import { abortable } from '../process/abortable.ts'
import type { Log, Service } from '../process/service.ts'
import type {
  ApiKey,
  Change,
  Control,
  Entry,
  NodeId,
  NodeState,
  Position,
  SigningKey
} from './control.ts'
import { followFeed } from './feed-follower.ts'
import { FleetState } from './fleet-state.ts'
import { createJournal, readJournal, toRecords } from './journal.ts'
import { createLookups } from './lookups.ts'

export interface ReplicaConfig {
  /** Where the journal lies; created if absent. */
  readonly folder: string
}

export interface ReplicaDeps {
  readonly control: Pick<Control, 'changes' | 'snapshot' | 'lookup'>
  readonly log: Log
  /** Monotonic milliseconds. */
  readonly now?: () => number
}

export interface Replica extends Service {
  /** The last call of the feed was answered. */
  readonly connected: boolean
  /** What is known here, unpublished included. */
  entry(infoHash: InfoHash): Entry | undefined
  /**
   * What is known here, else the tracker's word, asked once at a time per infohash.
   * @throws AppError TRACKER_UNAVAILABLE when it is unknown here and there is no answer.
   */
  lookup(infoHash: InfoHash, signal: AbortSignal): Promise<Entry | undefined>
  /** Nodes that hold every piece, live or not. Of a torrent of size 0: every seeder. */
  holders(infoHash: InfoHash): readonly NodeState[]
  node(id: NodeId): NodeState | undefined
  nodes(): readonly NodeState[]
  keys(): readonly ApiKey[]
  /** Newest first. */
  signingKeys(): readonly SigningKey[]
  /** A snapshot was taken once, in this life or an earlier one: no keys means there are none. */
  readonly keysKnown: boolean
  entries(): Iterable<Entry>
  /** Resolves when everything the tracker knew at some moment since the start is known here. */
  caughtUp(signal: AbortSignal): Promise<void>
  /** Own doings take effect here at once. */
  apply(change: Change): void
  /** Told of every change that was news here; not of what the journal said at the start. */
  on(listener: (change: Change) => void): () => void
}

export async function openReplica(
  { folder }: ReplicaConfig,
  { control, log, now = () => performance.now() }: ReplicaDeps
): Promise<Replica> {
  await mkdir(folder, { recursive: true })
  const file = join(folder, 'replica.jsonl')
  let state = new FleetState()
  let position: Position | undefined
  const listeners = new Set<(change: Change) => void>()
  const lookups = createLookups({
    known: (infoHash) => state.entries.get(infoHash),
    ask: (infoHash) => control.lookup(infoHash),
    learn: (entry) => apply({ type: 'entry', entry }),
    now
  })

  const intact = await readJournal(file, (record) => {
    for (const change of record.changes) state.apply(change)
    position = record.position ?? position
  })
  const journal = createJournal(file, intact, {
    dump: () => toRecords(state.changes(), position),
    log
  })
  const follower = followFeed({
    control,
    log,
    position: () => position,
    advance: (to, changes) => {
      const news = changes.filter((change) => state.apply(change))
      const moved = to.revision !== position?.revision
      position = to
      if (moved || news.length > 0) journal.append({ position: to, changes: news })
      for (const change of news) tell(change)
    },
    replace: (to, fresh) => {
      state = fresh
      position = to
      journal.compact()
      for (const change of fresh.changes()) tell(change)
    }
  })

  function tell(change: Change): void {
    for (const listener of listeners) {
      try {
        listener(change)
      } catch (err) {
        log.error({ err, change: change.type }, 'a listener of the replica failed')
      }
    }
  }

  function apply(change: Change): void {
    if (!state.apply(change)) return
    journal.append({ changes: [change] })
    tell(change)
  }

  return {
    name: 'replica',
    get connected() {
      return follower.connected
    },
    entry: (infoHash) => state.entries.get(infoHash),
    lookup: lookups.find,
    holders: (infoHash) => state.holders(infoHash),
    node: (id) => state.nodes.get(id),
    nodes: () => [...state.nodes.values()],
    keys: () => [...state.keys.values()],
    signingKeys: () => [...state.signingKeys.values()].sort((a, b) => b.revision - a.revision),
    get keysKnown() {
      return position !== undefined
    },
    entries: () => state.entries.values(),
    caughtUp: (signal) => abortable(follower.caughtUp, signal),
    apply,
    on(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async close() {
      await follower.close()
      await journal.close()
    }
  }
}
