/**
 * The thread that owns the SQLite database: it executes one statement after the other.
 *
 * SQLite is synchronous; here it blocks nobody else. Every acknowledged commit is on the disk
 * (`synchronous=FULL` with a write-ahead log). A failing statement fails its order and nothing
 * else. The thread ends when its port is closed.
 */
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import type { SqlAnswer, SqlFailure, SqlOrder, SqlRow } from './sqlite-protocol.ts'

/** Prepared statements kept; more are prepared again when needed. */
const MAX_STATEMENTS = 128
/** Pages of the database kept in memory. */
const CACHE_KIB = 64 * 1024

if (parentPort === null) throw new Error('this module is the body of a worker thread')
const port = parentPort
const db = new DatabaseSync(String(workerData))
db.exec('PRAGMA journal_mode = WAL')
db.exec('PRAGMA synchronous = FULL')
db.exec('PRAGMA busy_timeout = 5000')
db.exec(`PRAGMA cache_size = -${CACHE_KIB}`)
db.exec('PRAGMA foreign_keys = ON')
const statements = new Map<string, StatementSync>()

port.on('message', (order: SqlOrder | 'close') => {
  if (order !== 'close') return port.postMessage(answer(order))
  statements.clear()
  db.close()
  port.close()
})

function answer({ id, sql, parameters }: SqlOrder): SqlAnswer {
  try {
    if (sql === null) return { id, ...rollback() }
    const statement = prepare(sql)
    if (statement.columns().length > 0) {
      const rows = statement.all(...parameters) as SqlRow[]
      return { id, rows, changes: rows.length }
    }
    return { id, rows: [], changes: Number(statement.run(...parameters).changes) }
  } catch (err) {
    return { id, error: describe(err) }
  }
}

/** SQLite has already rolled back by itself after some failures, such as a full disk. */
function rollback(): { rows: []; changes: 0 } {
  if (db.isTransaction) db.exec('ROLLBACK')
  return { rows: [], changes: 0 }
}

function prepare(sql: string): StatementSync {
  const known = statements.get(sql)
  if (known !== undefined) return known
  const statement = db.prepare(sql)
  for (const oldest of statements.keys()) {
    if (statements.size < MAX_STATEMENTS) break
    statements.delete(oldest)
  }
  statements.set(sql, statement)
  return statement
}

function describe(err: unknown): SqlFailure {
  if (!(err instanceof Error)) return { message: String(err), errcode: undefined }
  const errcode = 'errcode' in err && typeof err.errcode === 'number' ? err.errcode : undefined
  return { message: err.message, errcode: errcode === undefined ? undefined : errcode & 0xff }
}
