/**
 * The catalogue's schema, as steps forward. A released step never changes; a newer one is added.
 *
 * A database that knows steps of a newer program is refused, not guessed at.
 */
import { type Kysely, sql } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import type { Database } from './tables.ts'

export interface ColumnTypes {
  /** What the dialect calls a string of bytes. */
  readonly bytes: 'blob' | 'bytea'
}

/** Brings the schema up to date. Each step happens whole or not at all. */
export async function migrate(db: Database, types: ColumnTypes): Promise<void> {
  const provider = { getMigrations: async () => migrations(types) }
  const migrator = new Migrator({ db, provider })
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined) {
    throw new Error('the catalogue could not be brought up to date', { cause: error })
  }
}

function migrations(types: ColumnTypes): Record<string, Migration> {
  return {
    '0001-catalogue': { up: (db) => createCatalogue(db, types) },
    '0002-signing-keys': { up: createSigningKeys }
  }
}

async function createCatalogue(db: Kysely<unknown>, types: ColumnTypes): Promise<void> {
  await db.schema
    .createTable('counter')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('epoch', 'text', (column) => column.notNull())
    .addColumn('revision', 'bigint', (column) => column.notNull())
    .execute()
  await createContent(db, types)
  await createFleet(db)
  await createIndices(db)
}

async function createContent({ schema }: Kysely<unknown>, { bytes }: ColumnTypes): Promise<void> {
  await schema
    .createTable('entries')
    .addColumn('info_hash', 'text', (column) => column.primaryKey())
    .addColumn('revision', 'bigint', (column) => column.notNull())
    .addColumn('published', 'integer', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('size', 'bigint', (column) => column.notNull())
    .addColumn('single', 'integer', (column) => column.notNull())
    .addColumn('files', 'text', (column) => column.notNull())
    .addColumn('replicas', 'integer')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute()
  await schema
    .createTable('metainfo')
    .addColumn('info_hash', 'text', (column) => column.primaryKey())
    .addColumn('info', sql.raw(bytes), (column) => column.notNull())
    .execute()
  await schema
    .createTable('holdings')
    .addColumn('info_hash', 'text', (column) => column.notNull())
    .addColumn('node_id', 'text', (column) => column.notNull())
    .addColumn('held', 'integer', (column) => column.notNull())
    .addColumn('revision', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('holdings_key', ['info_hash', 'node_id'])
    .execute()
}

async function createFleet({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('nodes')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('revision', 'bigint', (column) => column.notNull())
    .addColumn('registration', 'text', (column) => column.notNull())
    .addColumn('free_bytes', 'bigint', (column) => column.notNull())
    .addColumn('draining', 'integer', (column) => column.notNull())
    .addColumn('seeder', 'integer', (column) => column.notNull())
    .addColumn('live', 'integer', (column) => column.notNull())
    .addColumn('lease_until', 'bigint', (column) => column.notNull())
    .execute()
  await schema
    .createTable('keys')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('hash', 'text', (column) => column.notNull().unique())
    .addColumn('scopes', 'text', (column) => column.notNull())
    .addColumn('revoked', 'integer', (column) => column.notNull())
    .addColumn('revision', 'bigint', (column) => column.notNull())
    .execute()
}

async function createSigningKeys({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('signing_keys')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('secret', 'text', (column) => column.notNull())
    .addColumn('revision', 'bigint', (column) => column.notNull())
    .execute()
  await schema
    .createIndex('signing_keys_by_revision')
    .on('signing_keys')
    .column('revision')
    .execute()
}

/**
 * The last two carry all that counting copies reads, so that it touches no row: entries are long,
 * and the whole catalogue is counted after a change.
 */
async function createIndices({ schema }: Kysely<unknown>): Promise<void> {
  const index = (name: string, table: string, columns: string[]) =>
    schema.createIndex(name).on(table).columns(columns).execute()
  for (const table of ['entries', 'nodes', 'holdings', 'keys']) {
    await index(`${table}_by_revision`, table, ['revision'])
  }
  await index('entries_by_age', 'entries', ['created_at', 'info_hash'])
  await index('holdings_by_node', 'holdings', ['node_id', 'held'])
  await index('entries_by_need', 'entries', ['published', 'info_hash', 'size', 'replicas'])
  await index('holdings_by_torrent', 'holdings', ['info_hash', 'held', 'node_id'])
}
