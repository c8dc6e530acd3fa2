/**
 * Keeping this seeder's share of the fleet's content: it fetches what is assigned to it, deletes
 * what was unpublished, offers what the catalogue lost and looks for rot.
 *
 * Everything follows from the change feed; the rounds in between are for what a feed can miss.
 * Not its job: registering the node and reporting what it holds (`lib/node`).
 */
import type { InfoHash } from '../../core/info-hash.ts'
import type { Change, Control } from '../../lib/control/control.ts'
import type { Replica } from '../../lib/control/replica.ts'
import type { Node } from '../../lib/node/node.ts'
import type { Log, Service } from '../../lib/process/service.ts'
import type { DiskJobs } from '../../lib/store/disk-jobs.ts'
import type { Library } from '../../lib/store/library.ts'
import type { Publisher } from '../publisher.ts'
import { createAssignments } from './assignments.ts'
import { reconcile } from './reconciliation.ts'
import { startRounds } from './rounds.ts'
import { SCRUB_DEFAULTS, type ScrubConfig, startScrub } from './scrub.ts'

export interface HostingConfig {
  readonly fetching: { readonly everyMs: number; readonly gapMs: number; readonly retryMs: number }
  readonly checking: { readonly everyMs: number; readonly gapMs: number; readonly retryMs: number }
  readonly scrub: ScrubConfig
}

export const HOSTING_DEFAULTS: HostingConfig = {
  fetching: { everyMs: 30_000, gapMs: 500, retryMs: 1000 },
  checking: { everyMs: 300_000, gapMs: 500, retryMs: 1000 },
  scrub: SCRUB_DEFAULTS
}

const FETCHES = { parallel: 4, patienceMs: 900_000, firstRestMs: 5000, lastRestMs: 600_000 }

export interface HostingDeps {
  readonly node: Pick<Node, 'id' | 'host' | 'mend'>
  readonly control: Pick<Control, 'assignments'>
  readonly replica: Pick<Replica, 'entry' | 'caughtUp' | 'on'>
  readonly library: Pick<Library, 'list' | 'has' | 'complete' | 'open'>
  readonly disk: DiskJobs
  readonly publisher: Pick<Publisher, 'offer' | 'retire' | 'unanswered'>
  readonly log: Log
}

export interface Hosting extends Service {
  /** Compares library and catalogue soon. */
  checkSoon(): void
}

export function startHosting(config: HostingConfig, deps: HostingDeps): Hosting {
  const { node, control, replica, library, publisher, log } = deps
  const assignments = createAssignments(FETCHES, {
    ask: () => control.assignments(node.id),
    host: (infoHash, signal) => node.host(infoHash, signal),
    onDone: () => fetching.wake(),
    now: () => performance.now(),
    log
  })
  const fetching = startRounds({ name: 'fetching', ...config.fetching }, assignments.poll, log)
  const checking = startRounds(
    { name: 'checking', ...config.checking },
    (signal) => reconcile(deps, signal),
    log
  )
  const scrub = startScrub(config.scrub, deps)
  const retiring = new Set<Promise<void>>()
  const stopListening = replica.on(follow)

  function follow(change: Change): void {
    if (change.type === 'entry' && change.entry.state === 'unpublished') {
      if (library.has(change.entry.infoHash)) retire(change.entry.infoHash)
    } else if (change.type !== 'key') fetching.wake()
  }

  function retire(infoHash: InfoHash): void {
    const retired = publisher
      .retire(infoHash)
      .catch((err) => {
        log.error({ err, infoHash }, 'unpublished content was not deleted yet')
        checking.wake()
      })
      .finally(() => retiring.delete(retired))
    retiring.add(retired)
  }

  return {
    name: 'hosting',
    checkSoon: () => checking.wake(),
    async close() {
      stopListening()
      await Promise.all([fetching.close(), checking.close(), scrub.close()])
      await assignments.close()
      await Promise.all(retiring)
    }
  }
}
