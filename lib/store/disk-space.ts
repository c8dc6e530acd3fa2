/**
 * How much may still be written to the volume of a folder, looked at while the process runs.
 *
 * A reserve stays free for what must not fail: ledgers, journals, the catalogue, and the pieces that
 * were on their way when the room ran out. Whoever fetches asks here first and stops in time; the
 * looks are frequent enough for the reserve to hold what a fast disk takes between two of them.
 * Not its job: who gives room back (the cache does, see `cache.ts`).
 */
import type { StatsFs } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { Log, Service } from '../process/service.ts'

export interface DiskSpace extends Service {
  /**
   * Bytes that may be written before the reserve is touched, as last seen; negative when it is.
   * Infinity where the system cannot say.
   */
  readonly roomBytes: number
  /** Nothing new is to be fetched: the reserve was touched and is not well free again yet. */
  readonly short: boolean
  /** Looks now and resolves with the room. */
  look(): Promise<number>
  /** Called after every look. Returns how to stop listening. */
  onLook(listener: () => void): () => void
}

/** What the system says of a volume: sizes in blocks of `bsize` bytes. */
export type VolumeStats = Pick<StatsFs, 'bsize' | 'blocks' | 'bavail'>

export interface DiskSpaceConfig {
  readonly folder: string
  readonly everyMs?: number
}

export interface DiskSpaceDeps {
  readonly log: Log
  readonly measure?: (folder: string) => Promise<VolumeStats>
}

const LOOK_MS = 1000
const MAX_RESERVE_BYTES = 2 ** 30
/** On a small volume the reserve is this share of it. */
const RESERVE_SHARE = 1 / 20
/** How much of the reserve must be free on top of it before fetching goes on. */
const RELIEF_SHARE = 1 / 4

/** Bytes of a volume of `size` bytes that are never given to content. */
export function reserveOf(size: number): number {
  return Math.min(MAX_RESERVE_BYTES, Math.floor(size * RESERVE_SHARE))
}

/** Resolves after the first look. */
export async function watchDiskSpace(
  { folder, everyMs = LOOK_MS }: DiskSpaceConfig,
  { log, measure = (path) => statfs(path) }: DiskSpaceDeps
): Promise<DiskSpace> {
  const stop = new AbortController()
  const listeners = new Set<() => void>()
  let roomBytes = Infinity
  let short = false
  let blind = false
  await look()
  const watching = loop()

  async function loop(): Promise<void> {
    while (!stop.signal.aborted) {
      await delay(everyMs, undefined, { signal: stop.signal }).catch(() => {})
      if (!stop.signal.aborted) await look()
    }
  }

  async function look(): Promise<number> {
    try {
      const { bsize, blocks, bavail } = await measure(folder)
      judge(bavail * bsize, reserveOf(blocks * bsize))
    } catch (err) {
      if (!blind) log.warn({ err, folder }, 'the free space of the disk is not known')
      blind = true
    }
    for (const listener of listeners) listener()
    return roomBytes
  }

  function judge(freeBytes: number, reserve: number): void {
    blind = false
    roomBytes = freeBytes - reserve
    const now = roomBytes < (short ? reserve * RELIEF_SHARE : 0)
    if (now === short) return
    short = now
    if (short) log.error({ folder, freeBytes, reserve }, 'the disk is nearly full')
    else log.info({ folder, freeBytes }, 'the disk has room again')
  }

  return {
    name: 'disk space',
    get roomBytes() {
      return roomBytes
    },
    get short() {
      return short
    },
    look,
    onLook(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async close() {
      stop.abort()
      await watching
    }
  }
}
