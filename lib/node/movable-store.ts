/**
 * A piece store that can be exchanged for another of the same torrent while it is being read.
 *
 * Whoever reads or waits notices nothing: what the former store gives up because it is closed is
 * asked again of its successor. The successor must have every piece that the former had proven.
 */
import type { PieceStore } from '../store/piece-store.ts'

export interface MovableStore extends PieceStore {
  /** Puts `next` in place and returns the former store, which the caller closes. */
  moveTo(next: PieceStore): PieceStore
}

export function createMovableStore(first: PieceStore): MovableStore {
  let current = first

  /** `work` again if the store it ran on was exchanged meanwhile and it came to nothing there. */
  async function follow<T>(
    signal: AbortSignal,
    work: (store: PieceStore) => Promise<T>,
    isNothing: (outcome: T) => boolean = () => false
  ): Promise<T> {
    for (;;) {
      const store = current
      try {
        const outcome = await work(store)
        if (store === current || !isNothing(outcome)) return outcome
      } catch (err) {
        if (store === current || signal.aborted) throw err
      }
    }
  }

  /** After an exchange nobody may say again that a piece came which is there already. */
  async function waitIn(store: PieceStore, index: number, signal: AbortSignal): Promise<void> {
    if (store !== first && (await store.prove(index, signal))) return
    await store.whenProven(index, signal)
  }

  return {
    infoHash: first.infoHash,
    metainfo: first.metainfo,
    get kind() {
      return current.kind
    },
    get shared() {
      return current.shared
    },
    get complete() {
      return current.complete
    },
    has: (index) => current.has(index),
    provenPrefix: (span) => current.provenPrefix(span),
    prove: (index, signal) =>
      follow(
        signal,
        (store) => store.prove(index, signal),
        (proven) => !proven
      ),
    whenProven: (index, signal) => follow(signal, (store) => waitIn(store, index, signal)),
    read: (span, target, signal) => follow(signal, (store) => store.read(span, target, signal)),
    pin: (span, signal) => follow(signal, (store) => store.pin(span, signal)),
    noteVerified: (index) => current.noteVerified(index),
    noteFailed: (index) => current.noteFailed(index),
    flush: () => current.flush(),
    close: () => current.close(),
    moveTo(next) {
      const former = current
      current = next
      return former
    }
  }
}
