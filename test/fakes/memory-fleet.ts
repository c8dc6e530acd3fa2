/**
 * Tracker and replica of a node in memory. `apply` is news from the feed; `down` and `hanging`
 * say what becomes of questions to the tracker.
 */
import { AppError } from '../../core/errors.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import type { Change, Entry, NodeState } from '../../lib/control/control.ts'
import { FleetState } from '../../lib/control/fleet-state.ts'
import type { SampleTorrent } from './sample-torrent.ts'

export interface Report {
  readonly replace: boolean
  readonly held: readonly InfoHash[]
  readonly dropped: readonly InfoHash[]
}

export const SELF = '0'.repeat(31).concat('1')

export function entryFor({ metainfo, bytes }: SampleTorrent, over: Partial<Entry> = {}): Entry {
  return {
    infoHash: metainfo.infoHash,
    name: metainfo.name,
    size: bytes.byteLength,
    single: metainfo.single,
    files: metainfo.files.map(({ index, name, size }) => ({
      index,
      path: name,
      size,
      sha256: null,
      crc32: null
    })),
    replicas: 2,
    revision: 1,
    state: 'published',
    createdAt: Date.UTC(2026, 10, 22, 1, 2, 3, 456),
    ...over
  }
}

export function nodeState(over: Partial<NodeState> = {}): NodeState {
  return {
    id: '2'.repeat(32),
    roles: ['seeder'],
    wire: ['127.0.0.1:6999'],
    ingestUrl: null,
    zone: 'default',
    capacityBytes: 2 ** 40,
    freeBytes: 2 ** 40,
    draining: false,
    wantsKey: false,
    revision: 1,
    live: true,
    ...over
  }
}

export function memoryFleet() {
  const state = new FleetState()
  const listeners = new Set<(change: Change) => void>()
  const infos = new Map<InfoHash, Uint8Array>()
  const reports: Report[] = []
  const asked: InfoHash[] = []

  async function answer<T>(value: () => T): Promise<T> {
    if (fleet.hanging) return new Promise(() => {})
    if (fleet.down) throw new AppError('TRACKER_UNAVAILABLE', 'no answer', { retryAfter: 5 })
    return value()
  }

  function apply(change: Change): void {
    if (!state.apply(change)) return
    for (const listener of listeners) listener(change)
  }

  const fleet = {
    name: 'fleet',
    down: false,
    hanging: false,
    connected: true,
    keysKnown: true,
    reports,
    asked,
    listeners,
    /** Publishes a torrent: entry and metainfo. */
    publish(sample: SampleTorrent, over: Partial<Entry> = {}): Entry {
      const entry = entryFor(sample, over)
      infos.set(entry.infoHash, sample.metainfo.info)
      apply({ type: 'entry', entry })
      return entry
    },
    unpublish(infoHash: InfoHash): void {
      const entry = state.entries.get(infoHash)
      if (entry === undefined) throw new Error('not published')
      const revision = entry.revision + 1
      apply({ type: 'entry', entry: { ...entry, state: 'unpublished', revision } })
    },
    /** Another node is there and holds the torrent. */
    holder(infoHash: InfoHash, over: Partial<NodeState> = {}): NodeState {
      const node = nodeState(over)
      apply({ type: 'node', node })
      const { id: nodeId, revision } = node
      apply({ type: 'holding', holding: { infoHash, nodeId, held: true, revision } })
      return node
    },
    infos,
    apply,
    entry: (infoHash: InfoHash) => state.entries.get(infoHash),
    lookup: async (infoHash: InfoHash) =>
      state.entries.get(infoHash) ?? answer<Entry | undefined>(() => undefined),
    holders: (infoHash: InfoHash) => state.holders(infoHash),
    node: (id: string) => state.nodes.get(id),
    nodes: () => [...state.nodes.values()],
    keys: () => [],
    signingKeys: () => [...state.signingKeys.values()],
    entries: () => state.entries.values(),
    caughtUp: async () => {},
    on(listener: (change: Change) => void) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    metainfo: (infoHash: InfoHash) => {
      asked.push(infoHash)
      return answer(() => infos.get(infoHash))
    },
    report: (_nodeId: string, report: Report) => answer(() => void reports.push(report)),
    register: () => answer(() => ({ leaseMs: 60_000, registerAgain: false })),
    heartbeat: () => answer(() => ({ leaseMs: 60_000, registerAgain: false })),
    close: async () => {}
  }
  return fleet
}

export type MemoryFleet = ReturnType<typeof memoryFleet>
