/**
 * The size of libuv's thread pool: imported first, for its effect, by every thread's entry.
 *
 * Imports of native packages start the pool, so in main.ts's own body this would come too late.
 * All workers share the one pool. Disk jobs are capped per purpose below it (DESIGN "Piece
 * store"), so that a stuck disk cannot keep name resolution and hashing from running: hence more
 * threads than cores. A size set from outside stays.
 */
import { availableParallelism } from 'node:os'

/** Threads for file system, name resolution and hashing: 6 per core, between 16 and 256. */
export function threadPoolSize(cores: number): number {
  return Math.min(256, Math.max(16, cores * 6))
}

process.env.UV_THREADPOOL_SIZE ??= String(threadPoolSize(availableParallelism()))
