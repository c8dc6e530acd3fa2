/**
 * Promises for what an engine answers later: "left" and "evicted", in the order they were asked.
 *
 * An engine answers every such command once, so the first answer is for the first question.
 */
import type { InfoHash } from '../../core/info-hash.ts'

export interface Releases {
  /** Resolves with the next answer to `what` that is not already somebody's. */
  next(infoHash: InfoHash, what: string): Promise<void>
  answered(infoHash: InfoHash, what: string): void
  /** The thread of these torrents is gone, and with it every use of their files. */
  lost(isConcerned: (infoHash: InfoHash) => boolean): void
}

export function createReleases(): Releases {
  const waiting = new Map<string, { readonly infoHash: InfoHash; readonly wake: (() => void)[] }>()

  return {
    next(infoHash, what) {
      const key = `${infoHash} ${what}`
      const entry = waiting.get(key) ?? { infoHash, wake: [] }
      waiting.set(key, entry)
      return new Promise((resolve) => entry.wake.push(resolve))
    },
    answered(infoHash, what) {
      const key = `${infoHash} ${what}`
      const entry = waiting.get(key)
      entry?.wake.shift()?.()
      if (entry?.wake.length === 0) waiting.delete(key)
    },
    lost(isConcerned) {
      for (const [key, { infoHash, wake }] of waiting) {
        if (!isConcerned(infoHash)) continue
        waiting.delete(key)
        for (const resolve of wake) resolve()
      }
    }
  }
}
