/**
 * What is published: entries and their info dictionaries.
 *
 * An entry is never deleted. Unpublishing makes it a tombstone; publishing again lifts that by a
 * higher revision. The info dictionary stays for whoever publishes again.
 */
import { AppError } from '../../core/errors.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import { infoHashOf } from '../../core/info-hash.ts'
import type {
  CommitOutcome,
  Entry,
  EntryDraft,
  EntryFile,
  NodeId
} from '../../lib/control/control.ts'
import { dropHoldings, putHolding } from './holdings.ts'
import type { Writer } from './revisions.ts'
import type { Database, EntriesTable } from './tables.ts'

export interface CommitRequest {
  readonly draft: EntryDraft
  readonly info: Uint8Array
  readonly nodeId: NodeId
  readonly keepTombstone: boolean
  readonly createdAt: number
}

/** Turns rows into entries; `replicas` is the fleet's default for those that name no number. */
export interface EntryReader {
  readonly replicas: number
}

/** @throws AppError METAINFO_INVALID when the bytes are not those the infohash names. */
export function checkPreimage(draft: EntryDraft, info: Uint8Array): void {
  if (infoHashOf(info) === draft.infoHash) return
  throw new AppError('METAINFO_INVALID', `the info dictionary is not the one of ${draft.infoHash}`)
}

/** Publishes an entry, as `Control.commit` says. */
export async function commitEntry(
  writer: Writer,
  request: CommitRequest,
  reader: EntryReader
): Promise<CommitOutcome> {
  const { draft, nodeId, keepTombstone } = request
  const known = await findEntry(writer.trx, draft.infoHash, reader)
  if (known === undefined) {
    const entry = await insertEntry(writer, request, reader)
    await putHolding(writer, draft.infoHash, nodeId, true)
    return { status: 'created', entry }
  }
  if (known.state === 'published') {
    await putHolding(writer, draft.infoHash, nodeId, true)
    return { status: 'known', entry: known }
  }
  if (keepTombstone) return { status: 'known', entry: known }
  const entry = await setState(writer, known, 'published')
  await dropHoldings(writer, draft.infoHash, nodeId)
  await putHolding(writer, draft.infoHash, nodeId, true)
  return { status: 'created', entry }
}

/** Writes the tombstone; undefined when there is no such entry. */
export async function unpublishEntry(
  writer: Writer,
  infoHash: InfoHash,
  reader: EntryReader
): Promise<Entry | undefined> {
  const known = await findEntry(writer.trx, infoHash, reader)
  if (known === undefined || known.state === 'unpublished') return known
  return setState(writer, known, 'unpublished')
}

export async function findEntry(
  db: Database,
  infoHash: InfoHash,
  reader: EntryReader
): Promise<Entry | undefined> {
  const row = await db
    .selectFrom('entries')
    .selectAll()
    .where('info_hash', '=', infoHash)
    .executeTakeFirst()
  return row === undefined ? undefined : toEntry(row, reader)
}

/** The info dictionary's bytes exactly as hashed. */
export async function findInfo(db: Database, infoHash: InfoHash): Promise<Uint8Array | undefined> {
  const row = await db
    .selectFrom('metainfo')
    .select('info')
    .where('info_hash', '=', infoHash)
    .executeTakeFirst()
  return row?.info
}

export function toEntry(row: EntriesTable, { replicas }: EntryReader): Entry {
  return {
    infoHash: row.info_hash as InfoHash,
    name: row.name,
    size: row.size,
    single: row.single === 1,
    files: JSON.parse(row.files) as EntryFile[],
    replicas: row.replicas ?? replicas,
    revision: row.revision,
    state: row.published === 1 ? 'published' : 'unpublished',
    createdAt: row.created_at
  }
}

async function insertEntry(
  writer: Writer,
  { draft, info, createdAt }: CommitRequest,
  reader: EntryReader
): Promise<Entry> {
  const row: EntriesTable = {
    info_hash: draft.infoHash,
    revision: writer.next(),
    published: 1,
    name: draft.name,
    size: draft.size,
    single: draft.single ? 1 : 0,
    files: JSON.stringify(draft.files),
    replicas: draft.replicas,
    created_at: createdAt
  }
  await writer.trx.insertInto('entries').values(row).execute()
  await writer.trx.insertInto('metainfo').values({ info_hash: draft.infoHash, info }).execute()
  const entry = toEntry(row, reader)
  writer.note({ type: 'entry', entry })
  return entry
}

async function setState(writer: Writer, known: Entry, state: Entry['state']): Promise<Entry> {
  const entry: Entry = { ...known, state, revision: writer.next() }
  await writer.trx
    .updateTable('entries')
    .set({ published: state === 'published' ? 1 : 0, revision: entry.revision })
    .where('info_hash', '=', entry.infoHash)
    .execute()
  writer.note({ type: 'entry', entry })
  return entry
}
