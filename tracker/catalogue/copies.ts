/**
 * How many copies there are of what is published, for placement and for the metrics.
 *
 * A copy counts when a live node that is not draining holds it. Torrents of size 0 need none.
 */
import { type ExpressionBuilder, sql } from 'kysely'
import type { InfoHash } from '../../core/info-hash.ts'
import type { NodeId } from '../../lib/control/control.ts'
import type { EntryReader } from './entries.ts'
import type { Database, Tables } from './tables.ts'

/** A published torrent that has fewer copies than it should. */
export interface ShortOfCopies {
  readonly infoHash: InfoHash
  readonly size: number
  readonly wanted: number
  /** The nodes whose copies count. */
  readonly holders: ReadonlySet<NodeId>
}

export interface ShortPage {
  /** How many copies there can be: the live seeders that are not draining. */
  readonly seeders: number
  /** Infohashes up to and including this one are left out. */
  readonly after: InfoHash | undefined
  readonly limit: number
}

/** Torrents short of copies, in the order of their infohashes. */
export async function shortOfCopies(
  db: Database,
  { seeders, after, limit }: ShortPage,
  reader: EntryReader
): Promise<ShortOfCopies[]> {
  const rows = await db
    .selectFrom('entries')
    .select(['info_hash', 'size', 'replicas'])
    .where('published', '=', 1)
    .where('size', '>', 0)
    .where('info_hash', '>', after ?? '')
    .where((eb) => eb(countCopies(eb), '<', wantedOf(seeders, reader)))
    .orderBy('info_hash')
    .limit(limit)
    .execute()
  const holders = await holdersOf(
    db,
    rows.map((row) => row.info_hash)
  )
  return rows.map((row) => ({
    infoHash: row.info_hash as InfoHash,
    size: row.size,
    wanted: row.replicas ?? reader.replicas,
    holders: holders.get(row.info_hash) ?? new Set<NodeId>()
  }))
}

/** Copies wanted of an entry: no more than there are seeders for. */
function wantedOf(seeders: number, { replicas }: EntryReader) {
  return sql<number>`case when coalesce(replicas, ${replicas}) < ${seeders}
    then coalesce(replicas, ${replicas}) else ${seeders} end`
}

function countCopies(eb: ExpressionBuilder<Tables, 'entries'>) {
  return eb
    .selectFrom('holdings')
    .select((inner) => inner.fn.countAll<number>().as('copies'))
    .whereRef('holdings.info_hash', '=', 'entries.info_hash')
    .where('holdings.held', '=', 1)
    .where('holdings.node_id', 'in', (inner) =>
      inner.selectFrom('nodes').select('id').where('live', '=', 1).where('draining', '=', 0)
    )
}

async function holdersOf(db: Database, infoHashes: readonly string[]) {
  const holders = new Map<string, Set<NodeId>>()
  if (infoHashes.length === 0) return holders
  const rows = await db
    .selectFrom('holdings')
    .innerJoin('nodes', 'nodes.id', 'holdings.node_id')
    .select(['holdings.info_hash', 'holdings.node_id'])
    .where('holdings.info_hash', 'in', infoHashes)
    .where('holdings.held', '=', 1)
    .where('nodes.live', '=', 1)
    .where('nodes.draining', '=', 0)
    .execute()
  for (const row of rows) {
    const known = holders.get(row.info_hash) ?? new Set<NodeId>()
    holders.set(row.info_hash, known.add(row.node_id))
  }
  return holders
}

export interface CatalogueTotals {
  readonly published: number
  readonly unpublished: number
  /** Copies wanted of all published torrents, capped by the live seeders; and those that exist. */
  readonly copiesWanted: number
  readonly copiesReady: number
}

/** Sums over the whole catalogue. `seeders`: as in `ShortPage`. */
export async function readTotals(
  db: Database,
  seeders: number,
  reader: EntryReader
): Promise<CatalogueTotals> {
  const perEntry = db
    .selectFrom('entries')
    .select(['published', 'size', wantedOf(seeders, reader).as('wanted')])
    .select((eb) => countCopies(eb).as('copies'))
  const row = await db
    .selectFrom(perEntry.as('entry'))
    .select([
      sql<number>`coalesce(sum(published), 0)`.as('published'),
      sql<number>`coalesce(sum(1 - published), 0)`.as('unpublished'),
      sql<number>`coalesce(sum(case when published = 1 and size > 0
        then wanted else 0 end), 0)`.as('copiesWanted'),
      sql<number>`coalesce(sum(case when published = 1 and size > 0
        then case when copies < wanted then copies else wanted end else 0 end), 0)`.as(
        'copiesReady'
      )
    ])
    .executeTakeFirstOrThrow()
  return row
}
