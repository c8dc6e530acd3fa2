/**
 * Wakes those who wait for the next change of the catalogue.
 *
 * A waiter names the turn it has seen before it looked; a change since then wakes it at once, so
 * none is missed between looking and waiting. Waiters are bounded: one more is refused and comes
 * back later.
 */
import { AppError } from '../core/errors.ts'

export interface ChangeSignal {
  /** Goes up with every change. */
  readonly turn: number
  /** Wakes every waiter. */
  raise(): void
  /**
   * Resolves when there was a change after the turn `seen`, or after `ms`. Rejects with the
   * signal's reason, or with TRACKER_UNAVAILABLE when too many wait already.
   */
  wait(seen: number, ms: number, signal?: AbortSignal): Promise<void>
  /** Wakes everybody for good. */
  close(): void
}

export function createChangeSignal({ maxWaiters }: { readonly maxWaiters: number }): ChangeSignal {
  const waiters = new Set<() => void>()
  let turn = 0
  let closed = false

  function raise(): void {
    turn += 1
    for (const wake of [...waiters]) wake()
  }

  function wait(seen: number, ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (turn !== seen || ms <= 0 || closed) return Promise.resolve()
    if (waiters.size >= maxWaiters) {
      const detail = 'too many nodes wait for changes'
      return Promise.reject(new AppError('TRACKER_UNAVAILABLE', detail, { retryAfter: 5 }))
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(wake, ms)
      function settle(): void {
        clearTimeout(timer)
        waiters.delete(wake)
        signal?.removeEventListener('abort', onAbort)
      }
      function wake(): void {
        settle()
        resolve()
      }
      function onAbort(): void {
        settle()
        reject(signal?.reason)
      }
      waiters.add(wake)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  return {
    get turn() {
      return turn
    },
    raise,
    wait,
    close() {
      closed = true
      raise()
    }
  }
}
