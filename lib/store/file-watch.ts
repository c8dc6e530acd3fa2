/**
 * Noticing that a file of an open torrent is not the one that was made durable: somebody wrote to
 * it, put another in its place or cut it. What was proven of the torrent is then hashed again.
 *
 * Only names, sizes and times are looked at, a bounded number of files per round, in turn. A change
 * that leaves them as they were is the scrub's to find.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Log, Service } from '../process/service.ts'
import type { DiskJobs } from './disk-jobs.ts'
import type { SegmentRecord } from './ledger.ts'
import { recordOf } from './ledger-keeper.ts'

/** A torrent in use. */
export interface Watched {
  readonly fileCount: number
  pathOf(file: number): string
  /** The file as it should be; undefined when that is not known, or it is being written to. */
  expected(file: number): SegmentRecord | undefined
  /** A file is not what it should be. Told once per change. */
  onChanged(file: number): void
}

export interface FileWatch extends Service {
  /** Returns how to stop watching. */
  add(torrent: Watched): () => void
}

export interface FileWatchConfig {
  readonly everyMs?: number | undefined
  readonly filesPerRound?: number
}

interface Place {
  readonly torrent: Watched
  next: number
  /** Changed files as they were found: the next change is another one. */
  readonly changed: Map<number, SegmentRecord | 'gone'>
}

const EVERY_MS = 15_000
const FILES_PER_ROUND = 200

export function startFileWatch(
  { everyMs = EVERY_MS, filesPerRound = FILES_PER_ROUND }: FileWatchConfig,
  { jobs, log }: { readonly jobs: DiskJobs; readonly log: Log }
): FileWatch {
  const stop = new AbortController()
  /** In turn: who was looked at goes to the end. */
  const places = new Set<Place>()
  const running = loop()

  async function loop(): Promise<void> {
    while (!stop.signal.aborted) {
      await delay(everyMs, undefined, { signal: stop.signal }).catch(() => {})
      if (stop.signal.aborted) return
      await round().catch((err) => {
        if (!stop.signal.aborted) log.warn({ err }, 'files of the library could not be looked at')
      })
    }
  }

  async function round(): Promise<void> {
    let left = filesPerRound
    for (const place of [...places]) {
      const { fileCount } = place.torrent
      for (let count = Math.min(left, fileCount); count > 0; count--, left--) {
        await look(place, place.next)
        place.next = (place.next + 1) % fileCount
      }
      if (places.delete(place)) places.add(place)
      if (left === 0) return
    }
  }

  async function look({ torrent, changed }: Place, file: number): Promise<void> {
    const expected = changed.get(file) ?? torrent.expected(file)
    if (expected === undefined) return
    const path = torrent.pathOf(file)
    const now = await jobs.run('scrub', stop.signal, () =>
      recordOf(path).catch((): 'gone' => 'gone')
    )
    // What was being written meanwhile is not what it was before, and rightly so.
    if (isSame(now, expected) || torrent.expected(file) === undefined) return
    changed.set(file, now)
    torrent.onChanged(file)
  }

  return {
    name: 'file watch',
    add(torrent) {
      const place = { torrent, next: 0, changed: new Map() }
      places.add(place)
      return () => void places.delete(place)
    },
    async close() {
      stop.abort()
      await running
    }
  }
}

function isSame(one: SegmentRecord | 'gone', other: SegmentRecord | 'gone'): boolean {
  if (one === 'gone' || other === 'gone') return one === other
  return one.size === other.size && one.mtimeNs === other.mtimeNs && one.inode === other.inode
}
