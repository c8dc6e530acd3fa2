/**
 * How a torrent comes into this node's library from the swarm: added empty or adopted from the
 * cache with what is there, then fetched in full.
 */
import { AppError } from '../../core/errors.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import type { Metainfo } from '../../core/metainfo.ts'
import type { Replica } from '../control/replica.ts'
import type { Cache } from '../store/cache.ts'
import type { DiskSpace } from '../store/disk-space.ts'
import type { Library } from '../store/library.ts'
import type { Sidecar } from '../store/metainfo-file.ts'
import type { Announcing } from './announcing.ts'
import type { Session } from './session.ts'
import type { Sessions } from './sessions.ts'

export interface IntakeDeps {
  readonly library: Library | undefined
  readonly cache: Pick<Cache, 'drop'> | undefined
  /** Of the library's volume. */
  readonly space: Pick<DiskSpace, 'short'> | undefined
  readonly sessions: Pick<Sessions, 'open' | 'end'>
  readonly fetchMetainfo: (infoHash: InfoHash, signal: AbortSignal) => Promise<Metainfo>
  readonly sidecarOf: (infoHash: InfoHash) => Sidecar | undefined
  readonly replica: Pick<Replica, 'entry'>
  readonly announcing: Pick<Announcing, 'completed'>
}

/**
 * Fetches a torrent into the library; resolves when it is complete and durable.
 * @throws AppError STORE_FULL while the disk is nearly full, CONTENT_GONE when it was unpublished,
 *   and the signal's reason: what has come by then stays.
 */
export type Intake = (infoHash: InfoHash, signal: AbortSignal) => Promise<void>

export function createIntake(deps: IntakeDeps): Intake {
  const { cache, space, sessions, sidecarOf } = deps

  /** In turn with its deletion; and not when it was unpublished just now. */
  async function add(library: Library, infoHash: InfoHash, signal: AbortSignal): Promise<void> {
    const metainfo = await deps.fetchMetainfo(infoHash, signal)
    const added = new AppError('SHUTTING_DOWN', 'added to the library')
    await sessions.end(infoHash, added, async () => {
      if (deps.replica.entry(infoHash)?.state === 'unpublished') {
        throw new AppError('CONTENT_GONE', `${infoHash} was unpublished`)
      }
      const store = await library.create(metainfo, sidecarOf(infoHash))
      await store.close()
    })
  }

  /** From the cache, readers going on: most of it first, the rest while no piece can come. */
  async function adopt(library: Library, session: Session, signal: AbortSignal): Promise<void> {
    const { infoHash, metainfo, shared } = session.store
    const stop = AbortSignal.any([signal, session.gone])
    const fill = () => library.adopt(metainfo, shared, sidecarOf(infoHash), stop)
    const filled = await fill()
    try {
      await session.move(fill)
    } finally {
      await filled.close()
    }
    await cache?.drop(infoHash)
  }

  return async (infoHash, signal) => {
    const { library } = deps
    if (library === undefined) throw new AppError('INTERNAL', 'this node has no library')
    if (cache === undefined && !library.has(infoHash)) await add(library, infoHash, signal)
    const session = await sessions.open(infoHash, signal)
    if (session.store.kind === 'cache') await adopt(library, session, signal)
    if (!session.store.complete) {
      if (space?.short === true) throw new AppError('STORE_FULL', 'the disk is nearly full')
      const completed = whenComplete(library, infoHash, AbortSignal.any([signal, session.gone]))
      session.hoard()
      await completed
      deps.announcing.completed(infoHash)
    }
    await session.store.flush()
  }
}

function whenComplete(library: Library, infoHash: InfoHash, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => settle(() => reject(signal.reason))
    const stop = library.onComplete((done) => {
      if (done === infoHash) settle(resolve)
    })
    function settle(finish: () => void): void {
      stop()
      signal.removeEventListener('abort', onAbort)
      finish()
    }
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
  })
}
