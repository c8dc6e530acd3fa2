/**
 * The catalogue: what is published, the registered nodes and what they hold, API keys and the keys of links.
 *
 * Plain SQL through Kysely, the same for every dialect. Guarantees: a change is durable before
 * its promise resolves; every change has a revision of its own and stands in the feed; absence
 * means "never heard of", deletion is a tombstone. Not its job: waiting, leases' clocks, placement.
 */
import type { InfoHash } from '../../core/info-hash.ts'
import type {
  Change,
  CommitOutcome,
  Control,
  Entry,
  NodeId,
  NodeRegistration,
  NodeReport,
  NodeState,
  Position,
  SnapshotPage
} from '../../lib/control/control.ts'
import type { Log, Service } from '../../lib/process/service.ts'
import {
  type CatalogueTotals,
  readTotals,
  type ShortOfCopies,
  type ShortPage,
  shortOfCopies
} from './copies.ts'
import {
  type CommitRequest,
  checkPreimage,
  commitEntry,
  findEntry,
  findInfo,
  unpublishEntry
} from './entries.ts'
import { type FeedPage, readFeed, readSnapshot } from './feed.ts'
import { type HoldingsReport, takeReport } from './holdings.ts'
import { createFirstKey } from './keys.ts'
import { listEntries } from './listing.ts'
import * as nodes from './nodes.ts'
import { type Writer, withRevisions } from './revisions.ts'
import { ensureSigningKey } from './signing-keys.ts'
import type { Database } from './tables.ts'

export interface CatalogueConfig {
  /** Wanted copies of an entry that names no number. */
  readonly replicas: number
}

export interface Catalogue extends Service {
  commit(request: CommitRequest): Promise<CommitOutcome>
  lookup(infoHash: InfoHash): Promise<Entry | undefined>
  metainfo(infoHash: InfoHash): Promise<Uint8Array | undefined>
  list: Control['list']
  unpublish(infoHash: InfoHash): Promise<Entry | undefined>
  feed(after: Position, limit: number): Promise<FeedPage>
  snapshot(cursor: string | undefined, limit: number): Promise<SnapshotPage>
  register(node: NodeRegistration, leaseUntil: number): Promise<void>
  /** Renews the lease of a live node; false when the node must register (again). */
  heartbeat(id: NodeId, report: NodeReport, leaseUntil: number): Promise<boolean>
  /** Marks the nodes dead whose lease ran out before `now`. */
  expire(now: number): Promise<void>
  /** Gives every live node a lease until then. */
  extendLeases(leaseUntil: number): Promise<void>
  /** Forgets nodes whose lease ran out before then, and what they held. */
  forgetNodes(before: number): Promise<void>
  report(nodeId: NodeId, holdings: HoldingsReport): Promise<void>
  /** A new key that may do everything, if there is no key; its text is not stored. */
  createFirstKey(): Promise<string | undefined>
  /** Makes the key that signs links, if there is none. */
  ensureSigningKey(): Promise<void>
  usableSeeders(): Promise<readonly NodeState[]>
  shortOfCopies(page: ShortPage): Promise<readonly ShortOfCopies[]>
  totals(): Promise<CatalogueTotals>
  /** Told of committed changes, in the order of their revisions. */
  onChange(listener: (changes: readonly Change[]) => void): () => void
}

/** @param db an open database whose schema is up to date; the catalogue closes it. */
export function createCatalogue(
  config: CatalogueConfig,
  { db, log }: { readonly db: Database; readonly log: Log }
): Catalogue {
  const listeners = new Set<(changes: readonly Change[]) => void>()

  async function write<T>(work: (writer: Writer) => Promise<T>): Promise<T> {
    const { result, changes } = await withRevisions(db, work)
    if (changes.length > 0) tell(changes)
    return result
  }

  function tell(changes: readonly Change[]): void {
    for (const listener of listeners) {
      try {
        listener(changes)
      } catch (err) {
        log.error({ err }, 'a listener of the catalogue failed')
      }
    }
  }

  async function commit(request: CommitRequest): Promise<CommitOutcome> {
    checkPreimage(request.draft, request.info)
    return write((writer) => commitEntry(writer, request, config))
  }

  async function heartbeat(id: NodeId, report: NodeReport, leaseUntil: number): Promise<boolean> {
    if (!(await nodes.renewLease(db, id, leaseUntil))) return false
    const node = await nodes.findNode(db, id)
    if (node !== undefined && nodes.isNews(node, report)) {
      await write((writer) => nodes.takeNodeReport(writer, id, report))
    }
    return true
  }

  async function expire(now: number): Promise<void> {
    const dead = await nodes.expired(db, now)
    if (dead.length === 0) return
    log.warn({ nodes: dead }, 'nodes lost their lease')
    await write((writer) => nodes.expireNodes(writer, now))
  }

  return {
    name: 'catalogue',
    commit,
    lookup: (infoHash) => findEntry(db, infoHash, config),
    metainfo: (infoHash) => findInfo(db, infoHash),
    list: (page) => listEntries(db, page, config),
    unpublish: (infoHash) => write((writer) => unpublishEntry(writer, infoHash, config)),
    feed: (after, limit) => readFeed(db, after, limit, config),
    snapshot: (cursor, limit) => readSnapshot(db, cursor, limit, config),
    register: (node, until) => write((writer) => nodes.registerNode(writer, node, until)),
    heartbeat,
    expire,
    extendLeases: (until) => nodes.extendLeases(db, until),
    forgetNodes: (before) => nodes.forgetNodes(db, before),
    report: (nodeId, holdings) => write((writer) => takeReport(writer, nodeId, holdings)),
    createFirstKey: () => write(createFirstKey),
    ensureSigningKey: () => write(ensureSigningKey),
    usableSeeders: () => nodes.usableSeeders(db),
    shortOfCopies: (page) => shortOfCopies(db, page, config),
    totals: async () => readTotals(db, (await nodes.usableSeeders(db)).length, config),
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close: () => db.destroy()
  }
}
