/** What the main thread and the SQLite thread say to each other: one answer per order. */

export type SqlValue = null | number | bigint | string | Uint8Array
export type SqlRow = Record<string, SqlValue>

export interface SqlOrder {
  readonly id: number
  /** One statement; null rolls back whatever transaction is open, if any. */
  readonly sql: string | null
  readonly parameters: readonly SqlValue[]
}

export type SqlAnswer =
  | { readonly id: number; readonly rows: readonly SqlRow[]; readonly changes: number }
  | { readonly id: number; readonly error: SqlFailure }

export interface SqlFailure {
  readonly message: string
  /** SQLite's primary result code; undefined when the failure was not SQLite's. */
  readonly errcode: number | undefined
}
