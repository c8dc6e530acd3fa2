/**
 * The catalogue's tables, in types that every SQL dialect has: text, whole numbers and bytes.
 *
 * Truth values are 0 and 1, structured values JSON text, times milliseconds since 1970.
 */
import type { Kysely } from 'kysely'

/** One row: the epoch, and the revision of the latest change. Locked by every change. */
export interface CounterTable {
  id: 1
  epoch: string
  revision: number
}

export interface EntriesTable {
  info_hash: string
  revision: number
  published: number
  name: string
  size: number
  single: number
  /** `EntryFile[]` as JSON. */
  files: string
  /** Null for the fleet's default. */
  replicas: number | null
  created_at: number
}

/** The info dictionaries exactly as hashed. */
export interface MetainfoTable {
  info_hash: string
  info: Uint8Array
}

export interface NodesTable {
  id: string
  revision: number
  /** What never changes between two registrations, as JSON. */
  registration: string
  free_bytes: number
  draining: number
  /** A seeder: may hold copies. */
  seeder: number
  live: number
  lease_until: number
}

/** Rows are never deleted: `held` becomes 0, so that the feed can say so. */
export interface HoldingsTable {
  info_hash: string
  node_id: string
  held: number
  revision: number
}

export interface KeysTable {
  id: string
  /** SHA-256 of the key in hex. */
  hash: string
  /** Scopes as JSON. */
  scopes: string
  revoked: number
  revision: number
}

/** Keys that sign links: whoever verifies needs them in full, so they are stored in full. */
export interface SigningKeysTable {
  id: string
  secret: string
  revision: number
}

export interface Tables {
  counter: CounterTable
  entries: EntriesTable
  metainfo: MetainfoTable
  nodes: NodesTable
  holdings: HoldingsTable
  keys: KeysTable
  signing_keys: SigningKeysTable
}

export type Database = Kysely<Tables>
