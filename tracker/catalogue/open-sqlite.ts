/** The catalogue's default database: one SQLite file in the tracker's folder. */
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { Kysely } from 'kysely'
import type { Log } from '../../lib/process/service.ts'
import { migrate } from './migrations.ts'
import { ensureCounter } from './revisions.ts'
import { createSqliteDialect } from './sqlite-dialect.ts'
import { startSqliteThread } from './sqlite-thread.ts'
import type { Database, Tables } from './tables.ts'

const OWNER_ONLY = 0o600

/** Opens `{folder}/catalogue.sqlite`, creating it and bringing its schema up to date as needed. */
export async function openSqlite(folder: string, log: Log): Promise<Database> {
  await mkdir(folder, { recursive: true })
  const file = join(folder, 'catalogue.sqlite')
  await keepToOwner(file)
  const thread = startSqliteThread(file, log)
  const db: Database = new Kysely<Tables>({ dialect: createSqliteDialect(thread) })
  try {
    await migrate(db, { bytes: 'blob' })
    await ensureCounter(db)
    return db
  } catch (err) {
    await thread.close()
    throw err
  }
}

/** It holds keys in full; what SQLite puts beside it gets the same mode. */
async function keepToOwner(file: string): Promise<void> {
  await using handle = await open(file, 'a', OWNER_ONLY)
  await handle.chmod(OWNER_ONLY).catch(() => {})
}
