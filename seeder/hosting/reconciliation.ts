/**
 * Bringing the library and the catalogue together: what the catalogue does not know is offered to
 * it, what it has unpublished is deleted.
 *
 * Absence is never a deletion: content is deleted on a tombstone and for no other reason, and
 * what the tracker refuses is kept and reported.
 */
import { AppError } from '../../core/errors.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import type { Replica } from '../../lib/control/replica.ts'
import type { Log } from '../../lib/process/service.ts'
import { boundedEach } from '../../lib/store/bounded-each.ts'
import type { Library } from '../../lib/store/library.ts'
import type { Publisher } from '../publisher.ts'

export interface ReconciliationDeps {
  readonly library: Pick<Library, 'list' | 'complete'>
  readonly replica: Pick<Replica, 'entry' | 'caughtUp'>
  readonly publisher: Pick<Publisher, 'offer' | 'retire' | 'unanswered'>
  readonly log: Log
}

const AT_ONCE = 4

/**
 * One pass over the library, once the node has heard all of the catalogue.
 * @throws AppError TRACKER_UNAVAILABLE when it should be tried again later.
 */
export async function reconcile(deps: ReconciliationDeps, signal: AbortSignal): Promise<void> {
  await deps.replica.caughtUp(signal)
  const { unknown, doomed } = sort(deps)
  if (unknown.length > 0) {
    deps.log.warn({ torrents: unknown.length }, 'content that is not in the catalogue')
  }
  await boundedEach(doomed, AT_ONCE, async (infoHash) => {
    signal.throwIfAborted()
    await deps.publisher.retire(infoHash)
  })
  await boundedEach(unknown, AT_ONCE, async (infoHash) => {
    signal.throwIfAborted()
    await offer(infoHash, deps)
  })
}

function sort({ library, replica, publisher }: ReconciliationDeps) {
  const unknown: InfoHash[] = []
  const doomed: InfoHash[] = []
  for (const infoHash of library.list()) {
    const state = replica.entry(infoHash)?.state
    if (publisher.unanswered.has(infoHash)) unknown.push(infoHash)
    else if (state === 'unpublished') doomed.push(infoHash)
    else if (state === undefined && library.complete(infoHash)) unknown.push(infoHash)
  }
  return { unknown, doomed }
}

async function offer(infoHash: InfoHash, deps: ReconciliationDeps): Promise<void> {
  try {
    const entry = await deps.publisher.offer(infoHash)
    if (entry?.state === 'unpublished') await deps.publisher.retire(infoHash)
    else if (entry !== undefined) deps.log.info({ infoHash }, 'offered content was published')
  } catch (err) {
    if (err instanceof AppError && err.code === 'TRACKER_UNAVAILABLE') throw err
    deps.log.error({ err, infoHash }, 'content was not offered; it is kept')
  }
}
