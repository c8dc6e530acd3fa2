/**
 * Windows that nobody reads any more but that stay a moment: a player that hops between ranges
 * leaves and comes back, and pieces that were begun for it are not given up half-way.
 *
 * Bounded for the whole process by time, number and bytes; the oldest goes first. What lingers
 * holds room in the cache, so it goes as well when a reader finds none.
 */
import type { Service } from '../process/service.ts'

export interface LingeringConfig {
  readonly ms: number
  readonly maxCount: number
  readonly maxBytes: number
}

export interface Lingering extends Service {
  /**
   * Keeps something that costs `bytes`. `release` runs once: when its time is over, when it makes
   * way, or at once when it is larger than all that may linger.
   */
  keep(bytes: number, release: () => void): void
  /** Releases everything now. False when there was nothing. */
  clear(): boolean
}

interface Kept {
  readonly bytes: number
  /** `performance.now()`. */
  readonly until: number
  readonly release: () => void
}

export function createLingering({ ms, maxCount, maxBytes }: LingeringConfig): Lingering {
  /** In the order they came, which is that of their ends. */
  const queue: Kept[] = []
  let bytes = 0
  let timer: NodeJS.Timeout | undefined
  let closed = false

  function dropFirst(): void {
    const first = queue.shift()
    if (first === undefined) return
    bytes -= first.bytes
    first.release()
  }

  function expire(): void {
    const now = performance.now()
    while (queue[0] !== undefined && queue[0].until <= now) dropFirst()
    setAlarm()
  }

  function setAlarm(): void {
    clearTimeout(timer)
    const [first] = queue
    timer = first && setTimeout(expire, Math.max(1, Math.ceil(first.until - performance.now())))
  }

  function keep(size: number, release: () => void): void {
    if (closed || size > maxBytes) {
      release()
      return
    }
    queue.push({ bytes: size, until: performance.now() + ms, release })
    bytes += size
    while (queue.length > maxCount || bytes > maxBytes) dropFirst()
    if (timer === undefined) setAlarm()
  }

  function clear(): boolean {
    const some = queue.length > 0
    while (queue.length > 0) dropFirst()
    clearTimeout(timer)
    timer = undefined
    return some
  }

  return {
    name: 'lingering',
    keep,
    clear,
    async close() {
      closed = true
      clear()
    }
  }
}
