/**
 * What this node may not give: the gateway's denylist as the node sees it.
 *
 * A denied torrent that lies in the cache answers no peer, and when it is in use its session ends,
 * which resets its readers, and its pieces are deleted. The library is not touched: what a seeder
 * holds is the catalogue's to say.
 */
import type { InfoHash } from '../../core/info-hash.ts'
import type { Log } from '../process/service.ts'
import type { Cache } from '../store/cache.ts'
import type { Sessions } from './sessions.ts'

/** Why a torrent may not be given; undefined when it may. */
export type Objection = (infoHash: InfoHash) => Error | undefined

export interface Restriction {
  objection: Objection
  /** Ends what is in use and may not be given any more. */
  review(): void
}

export interface RestrictionDeps {
  readonly sessions: Pick<Sessions, 'all' | 'end'>
  readonly cache: Pick<Cache, 'drop'> | undefined
  readonly log: Log
}

export function createRestriction({ sessions, cache, log }: RestrictionDeps): Restriction {
  const restriction: Restriction = {
    objection: () => undefined,
    review() {
      for (const { infoHash, store } of [...sessions.all()]) {
        const reason = store.kind === 'cache' ? restriction.objection(infoHash) : undefined
        if (reason === undefined) continue
        log.info({ infoHash }, 'denied content is left')
        sessions
          .end(infoHash, reason, async () => cache?.drop(infoHash))
          .catch((err) => log.error({ err, infoHash }, 'denied content stayed'))
      }
    }
  }
  return restriction
}
