/**
 * The main thread's end of the SQLite thread: orders go out, answers come back by number.
 *
 * When the thread ends unasked, every order under way and every later one fails with
 * `STORE_FAILED`: what was not acknowledged is not promised.
 */
import { Worker } from 'node:worker_threads'
import { AppError } from '../../core/errors.ts'
import type { Log } from '../../lib/process/service.ts'
import type { SqlAnswer, SqlFailure, SqlOrder, SqlRow, SqlValue } from './sqlite-protocol.ts'

const SQLITE_FULL = 13

export interface SqlResult {
  readonly rows: readonly SqlRow[]
  readonly changes: number
}

export interface SqliteThread {
  /** Executes one statement; null rolls back. */
  execute(sql: string | null, parameters: readonly SqlValue[]): Promise<SqlResult>
  close(): Promise<void>
}

interface Waiting {
  readonly resolve: (result: SqlResult) => void
  readonly reject: (err: Error) => void
}

/** @param file the database; created if absent. Its folder exists. */
export function startSqliteThread(file: string, log: Log): SqliteThread {
  const worker = new Worker(new URL('./sqlite-worker.ts', import.meta.url), { workerData: file })
  const waiting = new Map<number, Waiting>()
  let last = 0
  let failure: Error | undefined
  let closing = false
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()))

  worker.on('message', (answer: SqlAnswer) => {
    const order = waiting.get(answer.id)
    waiting.delete(answer.id)
    if ('error' in answer) order?.reject(toAppError(answer.error))
    else order?.resolve(answer)
  })
  worker.on('error', (err) => fail(err))
  worker.on('exit', () => fail(new Error('the thread of the catalogue has ended')))

  function fail(cause: Error): void {
    if (!closing && failure === undefined) {
      log.error({ err: cause }, 'the catalogue failed')
    }
    failure ??= new AppError('STORE_FAILED', 'The catalogue is not available.', { cause })
    for (const order of waiting.values()) order.reject(failure)
    waiting.clear()
  }

  function execute(sql: string | null, parameters: readonly SqlValue[]): Promise<SqlResult> {
    if (failure !== undefined) return Promise.reject(failure)
    const { promise, resolve, reject } = Promise.withResolvers<SqlResult>()
    last += 1
    waiting.set(last, { resolve, reject })
    worker.postMessage({ id: last, sql, parameters } satisfies SqlOrder)
    return promise
  }

  async function close(): Promise<void> {
    if (!closing) worker.postMessage('close')
    closing = true
    await exited
  }

  return { execute, close }
}

function toAppError({ message, errcode }: SqlFailure): AppError {
  const cause = new Error(message)
  if (errcode === SQLITE_FULL) {
    return new AppError('STORE_FULL', 'The catalogue has no room left on its disk.', { cause })
  }
  return new AppError('STORE_FAILED', 'The catalogue failed.', { cause })
}
