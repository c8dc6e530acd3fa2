/**
 * The control interface: what a node asks of the tracker.
 *
 * Two implementations pass one contract suite: the tracker's own (in one process) and
 * `createControlClient` (HTTP + JSON with the cluster secret). A call that gets no answer throws
 * `AppError('TRACKER_UNAVAILABLE')`; "unknown" is only ever the tracker's word.
 */
import type { InfoHash } from '../../core/info-hash.ts'

/** A random id a node makes once and keeps on its disk: 32 lower-case hex digits. */
export type NodeId = string

/** A place in the change feed. Another epoch means: start again from the snapshot. */
export interface Position {
  readonly epoch: string
  readonly revision: number
}

export interface EntryFile {
  /** Index among the files of the metainfo: part of the ETag. */
  readonly index: number
  /** Path segments below the torrent's name joined by `/`; of a single file, its name. */
  readonly path: string
  readonly size: number
  /** Lower-case hex; null while nobody has read the whole file (imports). */
  readonly sha256: string | null
  /** Unsigned CRC-32 (ISO-HDLC); null as above. */
  readonly crc32: number | null
}

/** What a publisher hands in. The rest of an entry is the tracker's to say. */
export interface EntryDraft {
  readonly infoHash: InfoHash
  readonly name: string
  readonly size: number
  /** True for a torrent of one file without a folder: its URL is `/{infohash}/{name}`. */
  readonly single: boolean
  readonly files: readonly EntryFile[]
  /** Wanted copies; null for the fleet's default (`SWARMGATE_REPLICAS`). */
  readonly replicas: number | null
}

/** A line of the catalogue, without its metainfo. */
export interface Entry extends EntryDraft {
  readonly revision: number
  readonly state: 'published' | 'unpublished'
  readonly replicas: number
  /** Milliseconds since the epoch: time of first publishing, `Last-Modified` of the content. */
  readonly createdAt: number
}

export type Role = 'seeder' | 'gateway'

/** What a node says of itself. Addresses are the advertised ones. */
export interface NodeRegistration {
  readonly id: NodeId
  readonly roles: readonly Role[]
  /** `host:port` of the BitTorrent wire, one per swarm worker, in order (see `shardOf`). */
  readonly wire: readonly string[]
  /** Base URL of the ingest interface; null when this node takes no uploads from others. */
  readonly ingestUrl: string | null
  readonly zone: string
  readonly capacityBytes: number
  readonly freeBytes: number
  readonly draining: boolean
  /** A gateway that may be reached by strangers and was given no key asks for the first one. */
  readonly wantsKey: boolean
}

export interface NodeState extends NodeRegistration {
  readonly revision: number
  /** False once the lease ran out. */
  readonly live: boolean
}

/** An API key as every node may know it: the secret itself is shown once and never stored. */
export interface ApiKey {
  readonly id: string
  /** SHA-256 of the key, lower-case hex. */
  readonly hash: string
  readonly scopes: readonly ('publish' | 'read' | 'admin')[]
  readonly revoked: boolean
  readonly revision: number
}

/** A key by which gateways sign links. Unlike an API key it must be known in full to be used. */
export interface SigningKey {
  readonly id: string
  readonly secret: string
  readonly revision: number
}

/** "Node holds every piece of this torrent, verified" or no longer does. */
export interface Holding {
  readonly infoHash: InfoHash
  readonly nodeId: NodeId
  readonly held: boolean
  readonly revision: number
}

export type Change =
  | { readonly type: 'entry'; readonly entry: Entry }
  | { readonly type: 'node'; readonly node: NodeState }
  | { readonly type: 'holding'; readonly holding: Holding }
  | { readonly type: 'key'; readonly key: ApiKey }
  | { readonly type: 'signing-key'; readonly signingKey: SigningKey }

export type ChangePage =
  | { readonly kind: 'changes'; readonly position: Position; readonly changes: readonly Change[] }
  /** The position is of another epoch or compacted away: take the snapshot. */
  | { readonly kind: 'reset' }

export interface SnapshotPage {
  /** Where the feed goes on after the last page; the same on every page of one snapshot. */
  readonly position: Position
  readonly changes: readonly Change[]
  readonly next: string | null
}

export type CommitOutcome =
  | { readonly status: 'created'; readonly entry: Entry }
  | { readonly status: 'known'; readonly entry: Entry }

export interface Lease {
  /** Milliseconds within which the next heartbeat must come. */
  readonly leaseMs: number
  /** True when the tracker does not know the node (any more): register again. */
  readonly registerAgain: boolean
}

export interface NodeReport {
  readonly freeBytes: number
  readonly draining: boolean
}

export interface Control {
  /**
   * Publishes an entry, held by `nodeId`. Idempotent: the same infohash again answers `known`,
   * and lifts a tombstone by a higher revision (then `created`), unless `keepTombstone` is set,
   * as it is by a seeder that offers what it found on its disk: then the answer is `known` with
   * an unpublished entry.
   * @param info the info dictionary's bytes exactly as hashed; refused (METAINFO_INVALID) when
   *   they are not the preimage of `draft.infoHash`.
   */
  commit(
    draft: EntryDraft,
    info: Uint8Array,
    nodeId: NodeId,
    options?: { readonly keepTombstone?: boolean }
  ): Promise<CommitOutcome>
  /** The entry, unpublished ones included; undefined when the tracker never heard of it. */
  lookup(infoHash: InfoHash): Promise<Entry | undefined>
  /** The info dictionary's bytes exactly as hashed. */
  metainfo(infoHash: InfoHash): Promise<Uint8Array | undefined>
  /** Published entries, newest first. */
  list(page: { readonly limit: number; readonly cursor?: string }): Promise<{
    readonly items: readonly Entry[]
    readonly nextCursor: string | null
  }>
  /** Writes the tombstone; undefined when there is nothing of that name. */
  unpublish(infoHash: InfoHash): Promise<Entry | undefined>
  /** Waits up to `waitMs` (bounded to 30 s) for something after `after`. */
  changes(after: Position, waitMs: number, signal?: AbortSignal): Promise<ChangePage>
  snapshot(cursor?: string): Promise<SnapshotPage>
  register(node: NodeRegistration): Promise<Lease>
  heartbeat(nodeId: NodeId, report: NodeReport): Promise<Lease>
  /** What the node verifiably holds in full: `replace` swaps the whole list. */
  report(
    nodeId: NodeId,
    holdings: {
      readonly replace: boolean
      readonly held: readonly InfoHash[]
      readonly dropped: readonly InfoHash[]
    }
  ): Promise<void>
  /** Published torrents this node should hold and does not yet. At most 1000; ask again after. */
  assignments(nodeId: NodeId): Promise<readonly InfoHash[]>
}
