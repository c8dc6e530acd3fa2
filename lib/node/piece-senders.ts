/**
 * Who sent which piece of a torrent, and who waits to hear of it.
 *
 * One byte per piece. Those who wait are found by their piece: a piece that comes costs nothing to
 * those who wait for another.
 */
import type { PeerClass } from '../swarm/contract.ts'

export const PEER_CLASSES: readonly PeerClass[] = ['seeder', 'gateway', 'stranger']

export interface PieceSenders {
  note(index: number, from: PeerClass): void
  /** Undefined for a piece that nobody sent since the session began. */
  of(index: number): PeerClass | undefined
  /** Resolves at the next `note` of the piece, at the latest after `ms`. */
  whenNoted(index: number, ms: number): Promise<void>
}

export function createPieceSenders(pieceCount: number): PieceSenders {
  /** 0: nobody; else 1 + index into PEER_CLASSES. */
  const senders = new Uint8Array(pieceCount)
  const waiting = new Map<number, Set<() => void>>()

  function whenNoted(index: number, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const waiters = waiting.get(index) ?? new Set()
      const timer = setTimeout(done, ms)
      function done(): void {
        clearTimeout(timer)
        waiters.delete(done)
        if (waiters.size === 0 && waiting.get(index) === waiters) waiting.delete(index)
        resolve()
      }
      waiting.set(index, waiters.add(done))
    })
  }

  return {
    note(index, from) {
      senders[index] = 1 + PEER_CLASSES.indexOf(from)
      for (const done of [...(waiting.get(index) ?? [])]) done()
    },
    of: (index) => PEER_CLASSES[(senders[index] ?? 0) - 1],
    whenNoted
  }
}
