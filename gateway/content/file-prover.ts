/**
 * Hashes the library's files that were asked for, so that a server in front of us may send them.
 *
 * In the background and at half speed: one file at a time in the process, a piece at a time, and
 * after each a rest of as long as it took. A file that is asked for meanwhile is passed over; the
 * next request for it comes here again. Ends with its session.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { piecesOf } from '../../core/geometry.ts'
import type { Session } from '../../lib/node/session.ts'
import type { Log } from '../../lib/process/service.ts'

export interface FileProver {
  /** Begins to prove what of file `index` is not proven yet, unless it is busy with another. */
  prove(session: Session, index: number): void
}

export function createFileProver({ log }: { readonly log: Log }): FileProver {
  let busy = false

  async function run(session: Session, index: number): Promise<void> {
    const { store, gone } = session
    const file = store.metainfo.files[index]
    if (file === undefined) return
    const span = { start: file.offset, end: file.offset + file.size }
    const { first, end } = piecesOf(store.metainfo.geometry, span)
    for (let piece = first; piece < end; piece++) {
      const began = performance.now()
      // One that is wrong is for a reader to fetch anew: nothing more to be gained here.
      if (!(await store.prove(piece, gone))) return
      const tookMs = performance.now() - began
      await delay(Math.ceil(tookMs), undefined, { signal: gone })
    }
  }

  async function proveOne(session: Session, index: number): Promise<void> {
    busy = true
    // It keeps the session from being put to sleep.
    const seat = session.sit()
    try {
      await run(session, index)
    } catch (err) {
      const { infoHash, gone } = session
      if (!gone.aborted) log.warn({ err, infoHash }, 'a file could not be proven')
    } finally {
      seat.leave()
      busy = false
    }
  }

  return {
    prove(session, index) {
      const { kind, complete } = session.store
      if (!busy && kind === 'library' && complete) void proveOne(session, index)
    }
  }
}
