/** The catalogue entry that a request names, if it may be served. */
import { AppError } from '../core/errors.ts'
import type { InfoHash } from '../core/info-hash.ts'
import type { Entry } from '../lib/control/control.ts'
import type { Replica } from '../lib/control/replica.ts'

/**
 * @throws AppError CONTENT_UNKNOWN on the tracker's word, CONTENT_GONE after a tombstone,
 *   TRACKER_UNAVAILABLE when it is unknown here and nobody answers.
 */
export async function publishedEntry(
  replica: Pick<Replica, 'lookup'>,
  infoHash: InfoHash,
  signal: AbortSignal
): Promise<Entry> {
  const entry = await replica.lookup(infoHash, signal)
  if (entry === undefined) throw new AppError('CONTENT_UNKNOWN', `${infoHash} is not published.`)
  if (entry.state === 'published') return entry
  throw new AppError('CONTENT_GONE', `${infoHash} was unpublished.`)
}
