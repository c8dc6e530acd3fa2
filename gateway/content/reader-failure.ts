/** Why a reader gives up: what is said to the client before the headers, to the log after them. */
import { AppError } from '../../core/errors.ts'
import type { TorrentStats } from '../../lib/swarm/contract.ts'

export function isFull(err: unknown): boolean {
  return err instanceof AppError && err.code === 'STORE_FULL'
}

/** Not for want of a bigger disk: what fills it are other responses, which end. */
export function refuseFull(err: unknown): never {
  if (!isFull(err)) throw err
  const detail = 'running responses use all of the cache'
  throw new AppError('QUOTA_EXCEEDED', detail, { cause: err, retryAfter: 5 })
}

export function notRead(index: number, timeoutMs: number): AppError {
  const detail = `piece ${index} was not read within ${timeoutMs / 1000} s; phase: disk`
  return new AppError('STORE_FAILED', detail)
}

/** 502 when nobody was ever connected, 504 when somebody was: the body says how far it came. */
export function notDelivered(
  index: number,
  timeoutMs: number,
  stats: TorrentStats | undefined
): AppError {
  const { found = 0, tried = 0, connected = 0, peers = 0 } = stats ?? {}
  const tally = `peers found ${found}, tried ${tried}, connected ${connected}, still connected ${peers}`
  const waited = `piece ${index} did not come within ${timeoutMs / 1000} s`
  return connected === 0
    ? new AppError('SWARM_NO_PEERS', `${waited}; phase: connecting; ${tally}`, { retryAfter: 10 })
    : new AppError('SWARM_TIMEOUT', `${waited}; phase: downloading; ${tally}`, { retryAfter: 10 })
}
