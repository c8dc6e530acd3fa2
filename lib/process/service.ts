/**
 * What runs until it is closed.
 *
 * Whoever opens, closes. `close` may be called twice and resolves when nothing runs any more.
 */
import type { Logger } from 'pino'

/** The part of pino that product code uses; tests pass a silent one. */
export type Log = Pick<Logger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'child'>

export interface Service {
  readonly name: string
  close(): Promise<void>
}
