/**
 * The change feed: every row that changed after a revision, in the order of the revisions.
 *
 * A row stands in the feed once, with its latest revision; nothing is ever deleted, so the feed
 * from revision 0 is the snapshot. A page is cut at the counter read before it: rows committed
 * meanwhile have higher revisions and come with the next page.
 */
import { sql } from 'kysely'
import { AppError } from '../../core/errors.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import type { Change, Position, SnapshotPage } from '../../lib/control/control.ts'
import { type EntryReader, toEntry } from './entries.ts'
import { toKey } from './keys.ts'
import { toNode } from './nodes.ts'
import { readPosition, renewEpoch } from './revisions.ts'
import { toSigningKey } from './signing-keys.ts'
import type { Database, HoldingsTable } from './tables.ts'

export type FeedPage =
  | { readonly kind: 'changes'; readonly position: Position; readonly changes: readonly Change[] }
  | { readonly kind: 'reset' }

interface Line {
  readonly revision: number
  readonly change: Change
}

interface Cut {
  readonly after: number
  readonly until: number
  readonly limit: number
}

/** At most `limit` changes after a position; a reset when the position is not of this feed. */
export async function readFeed(
  db: Database,
  after: Position,
  limit: number,
  reader: EntryReader
): Promise<FeedPage> {
  const { epoch, revision } = await readPosition(db)
  if (after.epoch !== epoch) return { kind: 'reset' }
  if (after.revision > revision) {
    await renewEpoch(db, after)
    return { kind: 'reset' }
  }
  const lines = await readLines(db, { after: after.revision, until: revision, limit }, reader)
  const full = lines.length === limit
  const reached = full ? (lines.at(-1)?.revision ?? revision) : revision
  return {
    kind: 'changes',
    position: { epoch, revision: reached },
    changes: lines.map(({ change }) => change)
  }
}

/**
 * One page of everything there is. The cursor carries the position of the first page: what changes
 * while the pages are read comes once more with the feed. Holdings given up are left out.
 */
export async function readSnapshot(
  db: Database,
  cursor: string | undefined,
  limit: number,
  reader: EntryReader
): Promise<SnapshotPage> {
  const now = await readPosition(db)
  const { position, after } = cursor === undefined ? { position: now, after: 0 } : parse(cursor)
  if (position.epoch !== now.epoch) {
    throw new AppError('REQUEST_INVALID', 'the snapshot is of an epoch that has ended')
  }
  const lines = await readLines(db, { after, until: now.revision, limit }, reader)
  const last = lines.at(-1)
  const more = lines.length === limit && last !== undefined
  return {
    position,
    changes: lines.map(({ change }) => change).filter(isStanding),
    next: more ? `${position.epoch}.${position.revision}.${last.revision}` : null
  }
}

function isStanding(change: Change): boolean {
  return change.type !== 'holding' || change.holding.held
}

function parse(cursor: string): { position: Position; after: number } {
  const match = /^([0-9a-f]{16})\.(\d{1,15})\.(\d{1,15})$/.exec(cursor)
  const [, epoch, revision, after] = match ?? []
  if (epoch === undefined) throw new AppError('REQUEST_INVALID', 'not a cursor of a snapshot')
  return { position: { epoch, revision: Number(revision) }, after: Number(after) }
}

async function readLines(db: Database, cut: Cut, reader: EntryReader): Promise<Line[]> {
  const within = sql<boolean>`revision > ${cut.after} and revision <= ${cut.until}`
  const { limit } = cut
  const lines: Line[] = []
  const entries = db.selectFrom('entries').selectAll().where(within)
  for (const row of await entries.orderBy('revision').limit(limit).execute()) {
    lines.push({ revision: row.revision, change: { type: 'entry', entry: toEntry(row, reader) } })
  }
  const nodes = db.selectFrom('nodes').selectAll().where(within)
  for (const row of await nodes.orderBy('revision').limit(limit).execute()) {
    lines.push({ revision: row.revision, change: { type: 'node', node: toNode(row) } })
  }
  const holdings = db.selectFrom('holdings').selectAll().where(within)
  for (const row of await holdings.orderBy('revision').limit(limit).execute()) {
    lines.push({ revision: row.revision, change: toHoldingChange(row) })
  }
  const keys = db.selectFrom('keys').selectAll().where(within)
  for (const row of await keys.orderBy('revision').limit(limit).execute()) {
    lines.push({ revision: row.revision, change: { type: 'key', key: toKey(row) } })
  }
  const signing = db.selectFrom('signing_keys').selectAll().where(within)
  for (const row of await signing.orderBy('revision').limit(limit).execute()) {
    const change: Change = { type: 'signing-key', signingKey: toSigningKey(row) }
    lines.push({ revision: row.revision, change })
  }
  return lines.sort((a, b) => a.revision - b.revision).slice(0, limit)
}

function toHoldingChange(row: HoldingsTable): Change {
  const { info_hash, node_id, held, revision } = row
  return {
    type: 'holding',
    holding: { infoHash: info_hash as InfoHash, nodeId: node_id, held: held === 1, revision }
  }
}
