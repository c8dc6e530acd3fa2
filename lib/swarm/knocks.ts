/**
 * Handshakes for torrents that are not joined: each waits a while for its torrent to be joined.
 *
 * Bounded: above `MAX_WAITING` handshakes, and after `WAIT_MS`, the peer is turned away.
 */
import type { InfoHash } from '../../core/info-hash.ts'

const WAIT_MS = 5000
const MAX_WAITING = 256

export interface Knocks {
  /** Resolves when the torrent arrives or the wait is over. Posts the first knock of each torrent. */
  wait(infoHash: InfoHash): Promise<void>
  arrived(infoHash: InfoHash): void
  /** Ends every wait. */
  close(): void
}

export function createKnocks(onKnock: (infoHash: InfoHash) => void): Knocks {
  const waiting = new Map<InfoHash, Set<() => void>>()
  let count = 0

  function wait(infoHash: InfoHash): Promise<void> {
    if (count >= MAX_WAITING) return Promise.resolve()
    const others = waiting.get(infoHash) ?? new Set()
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer)
        if (!others.delete(finish)) return
        count--
        if (others.size === 0) waiting.delete(infoHash)
        resolve()
      }
      const timer = setTimeout(finish, WAIT_MS)
      others.add(finish)
      count++
      if (others.size > 1) return
      waiting.set(infoHash, others)
      onKnock(infoHash)
    })
  }

  function arrived(infoHash: InfoHash): void {
    for (const finish of [...(waiting.get(infoHash) ?? [])]) finish()
  }

  return {
    wait,
    arrived,
    close() {
      for (const infoHash of [...waiting.keys()]) arrived(infoHash)
    }
  }
}
