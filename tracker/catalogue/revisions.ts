/**
 * Changing the catalogue: one transaction, one numbered line of the change feed per changed row.
 *
 * The numbers come from one counter row that is locked first in every such transaction. So they
 * are committed in order, and no reader of the feed can skip a late commit.
 */
import { randomBytes } from 'node:crypto'
import type { Transaction } from 'kysely'
import type { Change, Position } from '../../lib/control/control.ts'
import type { Database, Tables } from './tables.ts'

export interface Writer {
  readonly trx: Transaction<Tables>
  /** The next revision. Each changed row takes one of its own. */
  next(): number
  /** Notes what was changed, for those who follow. */
  note(change: Change): void
}

export interface Written<T> {
  readonly result: T
  /** In the order of their revisions. */
  readonly changes: readonly Change[]
}

/** Runs `work` in a transaction that holds the counter. All of it happens, or none. */
export function withRevisions<T>(
  db: Database,
  work: (writer: Writer) => Promise<T>
): Promise<Written<T>> {
  return db.transaction().execute(async (trx) => {
    const changes: Change[] = []
    const before = await lockCounter(trx)
    let revision = before
    const next = () => {
      revision += 1
      return revision
    }
    const result = await work({ trx, next, note: (change) => changes.push(change) })
    if (revision !== before) await trx.updateTable('counter').set({ revision }).execute()
    return { result, changes }
  })
}

async function lockCounter(trx: Transaction<Tables>): Promise<number> {
  const { revision } = await trx
    .updateTable('counter')
    .set((eb) => ({ revision: eb.ref('revision') }))
    .returning('revision')
    .executeTakeFirstOrThrow()
  return revision
}

/** Where the feed stands. */
export async function readPosition(db: Database): Promise<Position> {
  return db.selectFrom('counter').select(['epoch', 'revision']).executeTakeFirstOrThrow()
}

/** Starts a new database's first epoch. */
export async function ensureCounter(db: Database): Promise<void> {
  await db
    .insertInto('counter')
    .values({ id: 1, epoch: createEpoch(), revision: 0 })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/**
 * Starts a new epoch because somebody has seen a revision of this one that is not here: the
 * database was restored from a backup, and its next revisions would mean something else.
 */
export async function renewEpoch(db: Database, seen: Position): Promise<void> {
  await db
    .updateTable('counter')
    .set({ epoch: createEpoch() })
    .where('epoch', '=', seen.epoch)
    .where('revision', '<', seen.revision)
    .execute()
}

function createEpoch(): string {
  return randomBytes(8).toString('hex')
}
