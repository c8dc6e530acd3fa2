/** A fleet in memory, tracker and replica in one: what is applied is known at once. */
import { AppError } from '../../../core/errors.ts'
import { type InfoHash, parseInfoHash } from '../../../core/info-hash.ts'
import type { ApiKey, Change, Entry, NodeState } from '../../../lib/control/control.ts'

export const HASH = parseInfoHash('ab'.repeat(20)) as InfoHash

export function entryOf(over: Partial<Entry> = {}): Entry {
  return {
    infoHash: HASH,
    name: 'movie.mp4',
    size: 7,
    single: true,
    files: [{ index: 0, path: 'movie.mp4', size: 7, sha256: 'cd'.repeat(32), crc32: 1 }],
    replicas: 2,
    revision: 5,
    state: 'published',
    createdAt: Date.UTC(2026, 10, 22),
    ...over
  }
}

export function nodeOf(over: Partial<NodeState> = {}): NodeState {
  return {
    id: '1'.repeat(32),
    roles: ['seeder'],
    wire: ['127.0.0.1:6881'],
    ingestUrl: 'http://127.0.0.1:1',
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

export function keyOf(hash: string, over: Partial<ApiKey> = {}): ApiKey {
  const scopes = ['publish', 'read', 'admin'] as const
  return { id: 'key-1', hash, scopes, revoked: false, revision: 2, ...over }
}

export function createFleet() {
  const entries = new Map<InfoHash, Entry>()

  function answering(): void {
    if (fleet.down) throw new AppError('TRACKER_UNAVAILABLE', 'no answer', { retryAfter: 2 })
  }

  const fleet = {
    entries,
    /** The tracker does not answer. */
    down: false,
    keysKnown: true,
    keyList: [] as ApiKey[],
    nodeList: [] as NodeState[],
    nodes: () => fleet.nodeList,
    keys: () => fleet.keyList,
    holders: () => fleet.nodeList,
    lookup: async (infoHash: InfoHash) => {
      const entry = entries.get(infoHash)
      if (entry === undefined) answering()
      return entry
    },
    apply: (change: Change) => {
      if (change.type === 'entry') entries.set(change.entry.infoHash, change.entry)
    },
    /** The cursor is the number of entries to leave out. */
    list: async ({ limit, cursor = '0' }: { limit: number; cursor?: string }) => {
      answering()
      const published = [...entries.values()].filter(({ state }) => state === 'published')
      const end = Number(cursor) + limit
      const nextCursor = end < published.length ? String(end) : null
      return { items: published.slice(Number(cursor), end), nextCursor }
    },
    /** Tells nobody: only the caller's own `apply` makes it known. */
    unpublish: async (infoHash: InfoHash): Promise<Entry | undefined> => {
      answering()
      const entry = entries.get(infoHash)
      return entry && { ...entry, state: 'unpublished', revision: entry.revision + 1 }
    }
  }
  return fleet
}

export type Fleet = ReturnType<typeof createFleet>
