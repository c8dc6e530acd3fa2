/**
 * Infohashes that the tracker just said it does not know, so that it is not asked again at once.
 *
 * Bounded: at the limit the oldest is forgotten, which costs one question more.
 */
import type { InfoHash } from '../../core/info-hash.ts'

const MAX_REMEMBERED = 10_000

export interface UnknownMemory {
  add(infoHash: InfoHash): void
  has(infoHash: InfoHash): boolean
}

/** @param ms how long a "no" is believed. */
export function createUnknownMemory(ms: number, now: () => number): UnknownMemory {
  const until = new Map<InfoHash, number>()

  function add(infoHash: InfoHash): void {
    until.delete(infoHash)
    until.set(infoHash, now() + ms)
    for (const oldest of until.keys()) {
      if (until.size <= MAX_REMEMBERED) break
      until.delete(oldest)
    }
  }

  function has(infoHash: InfoHash): boolean {
    const end = until.get(infoHash)
    if (end === undefined) return false
    if (now() < end) return true
    until.delete(infoHash)
    return false
  }

  return { add, has }
}
