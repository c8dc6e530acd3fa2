/**
 * The bytes a cache may use: who holds them, who waits for some, who goes first.
 *
 * Guarantees: `usedBytes` never exceeds the limit by a reservation; a pinned extent is never chosen;
 * waiting reservations are met in the order they came. At the limit extents go, the least recently
 * used first, until the low mark is reached; a reservation is met as soon as it fits. When nothing
 * is left that may go, `STORE_FULL`.
 * Not its job: what evicting means (`evict`), and what an extent holds.
 */
import { AppError } from '../../core/errors.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import type { Log } from '../process/service.ts'

export interface Extent {
  readonly infoHash: InfoHash
  /** The segment of the torrent's layout. */
  readonly index: number
  readonly bytes: number
  /** `Date.now()` of the last use. */
  usedAt: number
  pins: number
  /** Settles when the eviction that is under way has ended. */
  evicting: Promise<void> | undefined
}

/** Bytes set aside for something that is being made. The first call decides, others do nothing. */
export interface Reservation {
  /** It is made: an extent that may be evicted from now on, or something that may not. */
  keep(extent?: Extent): void
  /** It is not made after all. */
  release(): void
}

export interface CacheBudget {
  readonly usedBytes: number
  readonly evictions: number
  /** Resolves when `bytes` are set aside. Rejects with `STORE_FULL` or the signal's reason. */
  reserve(bytes: number, signal: AbortSignal): Promise<Reservation>
  /** Gives back kept bytes that no extent stands for. */
  release(bytes: number): void
  /** The extent is gone: its bytes are free. Harmless when it was not there. */
  remove(extent: Extent): void
  touch(extent: Extent): void
  /** Evicts an unpinned extent now. Rejects if that failed. */
  evict(extent: Extent): Promise<void>
  /** Another limit from now on; what is over it is evicted. */
  resize(limitBytes: number): void
  /** Takes in what was there at start, in any order, and evicts what is over the limit. */
  restore(extents: readonly Extent[], otherBytes: number): void
  /** Resolves when nothing is being evicted. */
  settled(): Promise<void>
}

export interface CacheBudgetConfig {
  readonly limitBytes: number
  /** Share of the limit at which evicting stops. */
  readonly lowMark: number
}

interface Ticket {
  readonly bytes: number
  readonly admit: () => void
  readonly refuse: (reason: unknown) => void
}

export function createCacheBudget(
  { limitBytes: firstLimit, lowMark }: CacheBudgetConfig,
  { evict, log }: { readonly evict: (extent: Extent) => Promise<void>; readonly log: Log }
): CacheBudget {
  let limitBytes = firstLimit
  /** Least recently used first. */
  const extents = new Set<Extent>()
  const queue: Ticket[] = []
  let usedBytes = 0
  let evictions = 0
  /** Reservations of which nobody knows yet what becomes of them. */
  let pending = 0
  let changed = Promise.withResolvers<void>()
  let busy = false
  let making: Promise<void> = Promise.resolve()

  async function reserve(bytes: number, signal: AbortSignal): Promise<Reservation> {
    signal.throwIfAborted()
    if (bytes > limitBytes) throw full(bytes)
    if (queue.length === 0 && usedBytes + bytes <= limitBytes) grant(bytes)
    else await turn(bytes, signal)
    let open = true
    return {
      keep(extent) {
        if (!open) return
        open = false
        if (extent !== undefined) extents.add(extent)
        settle()
      },
      release() {
        if (!open) return
        open = false
        settle()
        release(bytes)
      }
    }
  }

  function grant(bytes: number): void {
    usedBytes += bytes
    pending++
  }

  function settle(): void {
    pending--
    changed.resolve()
    changed = Promise.withResolvers()
  }

  function turn(bytes: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const ticket: Ticket = { bytes, admit: resolve, refuse: reject }
    const onAbort = () => {
      const at = queue.indexOf(ticket)
      if (at >= 0) queue.splice(at, 1)
      reject(signal.reason)
      admit()
    }
    signal.addEventListener('abort', onAbort, { once: true })
    queue.push(ticket)
    makeRoom()
    return promise.finally(() => signal.removeEventListener('abort', onAbort))
  }

  /** Meets the reservations that fit, in their order. */
  function admit(): void {
    for (let head = queue[0]; head !== undefined; head = queue[0]) {
      if (usedBytes + head.bytes > limitBytes) return
      grant(head.bytes)
      queue.shift()
      head.admit()
    }
  }

  function makeRoom(): void {
    if (!busy) making = evictToLowMark()
  }

  async function evictToLowMark(): Promise<void> {
    busy = true
    const failed = new Set<Extent>()
    const goal = () => Math.max(0, limitBytes * lowMark - (queue[0]?.bytes ?? 0))
    while (usedBytes > goal()) {
      const victim = oldest(failed)
      if (victim === undefined) {
        if (queue.length === 0 || pending === 0) break
        await changed.promise
        continue
      }
      await evictOne(victim).catch((err) => {
        failed.add(victim)
        const { infoHash, index } = victim
        log.error({ err, infoHash, index }, 'an extent could not be evicted')
      })
      admit()
    }
    admit()
    for (const ticket of queue.splice(0)) ticket.refuse(full(ticket.bytes))
    busy = false
  }

  function oldest(except: ReadonlySet<Extent>): Extent | undefined {
    for (const extent of extents) {
      if (extent.pins === 0 && extent.evicting === undefined && !except.has(extent)) return extent
    }
    return undefined
  }

  function evictOne(extent: Extent): Promise<void> {
    extent.evicting ??= (async () => {
      try {
        await evict(extent)
        evictions++
        remove(extent)
      } finally {
        extent.evicting = undefined
      }
    })()
    return extent.evicting
  }

  function remove(extent: Extent): void {
    if (extents.delete(extent)) release(extent.bytes)
  }

  function release(bytes: number): void {
    usedBytes -= bytes
    admit()
  }

  return {
    get usedBytes() {
      return usedBytes
    },
    get evictions() {
      return evictions
    },
    reserve,
    release,
    remove,
    touch(extent) {
      extent.usedAt = Date.now()
      if (extents.delete(extent)) extents.add(extent)
    },
    evict: evictOne,
    resize(bytes) {
      limitBytes = bytes
      if (usedBytes > limitBytes) makeRoom()
      else admit()
    },
    restore(found, otherBytes) {
      usedBytes += otherBytes
      for (const extent of [...found].sort((a, b) => a.usedAt - b.usedAt)) {
        extents.add(extent)
        usedBytes += extent.bytes
      }
      if (usedBytes > limitBytes) makeRoom()
    },
    async settled() {
      while (busy) await making
      await Promise.allSettled([...extents].map(({ evicting }) => evicting))
    }
  }
}

function full(bytes: number): AppError {
  return new AppError('STORE_FULL', `the cache has no room for ${bytes} bytes`)
}
