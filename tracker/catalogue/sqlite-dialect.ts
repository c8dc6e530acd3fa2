/**
 * Kysely's SQLite dialect over the SQLite thread.
 *
 * There is one connection, and Kysely gives it to one transaction or statement at a time, so
 * transactions never interleave. A transaction takes the write lock when it begins.
 */
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler
} from 'kysely'
import type { SqlValue } from './sqlite-protocol.ts'
import type { SqliteThread } from './sqlite-thread.ts'

export function createSqliteDialect(thread: SqliteThread): Dialect {
  return {
    createDriver: () => createDriver(thread),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new TransactionalAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db)
  }
}

/** SQLite rolls schema changes back like any other, so a migration is all or nothing. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

function createDriver(thread: SqliteThread): Driver {
  const connection = createConnection(thread)
  const run = async (sql: string) => {
    await connection.executeQuery(CompiledQuery.raw(sql))
  }
  return {
    init: async () => {},
    acquireConnection: async () => connection,
    beginTransaction: () => run('begin immediate'),
    commitTransaction: () => run('commit'),
    rollbackTransaction: async () => {
      await thread.execute(null, [])
    },
    releaseConnection: async () => {},
    destroy: () => thread.close()
  }
}

function createConnection(thread: SqliteThread): DatabaseConnection {
  return {
    async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
      const { rows, changes } = await thread.execute(sql, parameters.map(toSqlValue))
      return { rows: rows as R[], numAffectedRows: BigInt(changes) }
    },
    // biome-ignore lint/correctness/useYield: the contract asks for a generator, this one refuses
    async *streamQuery() {
      throw new Error('the catalogue reads in pages, not in streams')
    }
  }
}

function toSqlValue(value: unknown): SqlValue {
  const type = typeof value
  const plain = type === 'string' || type === 'number' || type === 'bigint'
  if (value === null || plain || value instanceof Uint8Array) return value as SqlValue
  throw new Error(`a ${type} is not a value of the database`)
}
