/**
 * The commands of each torrent, one after the other: a join after a leave waits until the files of
 * the earlier one are free. Most take no time and run at once; nothing they do can throw.
 */
import type { InfoHash } from '../../core/info-hash.ts'

export interface Turns {
  /** Runs `work` after what came before it for this torrent; at once when nothing is under way. */
  run(infoHash: InfoHash, work: () => Promise<void> | void): void
  /** Resolves when everything under way now has ended. */
  settled(): Promise<void>
}

/** @param onFailure hears what `work` threw or rejected with */
export function createTurns(onFailure: (infoHash: InfoHash, err: unknown) => void): Turns {
  /** The end of the last work that takes time, per torrent. */
  const ends = new Map<InfoHash, Promise<void>>()

  function hold(infoHash: InfoHash, work: Promise<void>): void {
    const end = work.catch((err: unknown) => onFailure(infoHash, err))
    ends.set(infoHash, end)
    void end.then(() => {
      if (ends.get(infoHash) === end) ends.delete(infoHash)
    })
  }

  function runAtOnce(infoHash: InfoHash, work: () => Promise<void> | void): void {
    try {
      const done = work()
      if (done !== undefined) hold(infoHash, done)
    } catch (err) {
      onFailure(infoHash, err)
    }
  }

  return {
    run(infoHash, work) {
      const before = ends.get(infoHash)
      if (before === undefined) runAtOnce(infoHash, work)
      else hold(infoHash, before.then(work))
    },
    async settled() {
      await Promise.all(ends.values())
    }
  }
}
