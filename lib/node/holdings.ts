/**
 * What the library holds in full, as the world is told of it: the tracker's catalogue of copies
 * by report, strangers by announce.
 *
 * A torrent that lost a piece is withdrawn until it is whole again, so that nobody counts on it.
 */
import type { InfoHash } from '../../core/info-hash.ts'
import type { Change, Control, NodeId } from '../control/control.ts'
import type { Replica } from '../control/replica.ts'
import type { Log } from '../process/service.ts'
import type { Library } from '../store/library.ts'
import type { Announcing } from './announcing.ts'

export interface HoldingsDeps {
  readonly id: NodeId
  readonly library: Library | undefined
  readonly announcing: Pick<Announcing, 'held'>
  readonly replica: Pick<Replica, 'apply'>
  readonly control: Pick<Control, 'report'>
  readonly log: Log
}

export interface Holdings {
  /** The library now holds this torrent in full: announced and reported. */
  share(infoHash: InfoHash): Promise<void>
  /** Reports the whole list, as a tracker that may know nothing needs it. */
  reportAll(): Promise<void>
  /** The torrent is gone. */
  forget(infoHash: InfoHash): void
  stop(): void
}

export function watchHoldings(deps: HoldingsDeps): Holdings {
  const { id, library, announcing, replica, control, log } = deps
  const damaged = new Set<InfoHash>()
  const stopListening = [
    library?.onIncomplete((infoHash) => attempt(infoHash, withdraw(infoHash))),
    library?.onComplete((infoHash) => {
      if (damaged.delete(infoHash)) attempt(infoHash, share(infoHash))
    })
  ]

  async function share(infoHash: InfoHash): Promise<void> {
    announcing.held(infoHash)
    replica.apply(holding(infoHash, true))
    await control.report(id, { replace: false, held: [infoHash], dropped: [] })
  }

  async function withdraw(infoHash: InfoHash): Promise<void> {
    damaged.add(infoHash)
    replica.apply(holding(infoHash, false))
    await control.report(id, { replace: false, held: [], dropped: [infoHash] })
  }

  /** A report that fails is made good by the whole list at the next registration. */
  function attempt(infoHash: InfoHash, work: Promise<void>): void {
    work.catch((err) => log.warn({ err, infoHash }, 'the tracker was not told of a holding'))
  }

  async function reportAll(): Promise<void> {
    if (library === undefined) return
    const held = [...library.list()].filter((infoHash) => library.complete(infoHash))
    for (const infoHash of held) announcing.held(infoHash)
    await control.report(id, { replace: true, held, dropped: [] })
  }

  function holding(infoHash: InfoHash, held: boolean): Change {
    return { type: 'holding', holding: { infoHash, nodeId: id, held, revision: 0 } }
  }

  return {
    share,
    reportAll,
    forget: (infoHash) => void damaged.delete(infoHash),
    stop() {
      for (const stop of stopListening) stop?.()
    }
  }
}
