/**
 * Who waits for which piece of one torrent. A waiter leaves nothing behind when its signal aborts.
 */
export interface PieceWaiters {
  /** Resolves at the next `wake` of the piece; rejects with the signal's or the end's reason. */
  wait(index: number, signal: AbortSignal): Promise<void>
  wake(index: number): void
  /** Rejects everybody, now and later. */
  end(reason: Error): void
  /** How many wait now. */
  readonly size: number
}

interface Waiter {
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

export function createPieceWaiters(): PieceWaiters {
  const waiting = new Map<number, Set<Waiter>>()
  let ended: Error | undefined
  let size = 0

  function add(index: number, waiter: Waiter): void {
    const set = waiting.get(index) ?? new Set()
    set.add(waiter)
    waiting.set(index, set)
    size++
  }

  function remove(index: number, waiter: Waiter): void {
    const set = waiting.get(index)
    if (set?.delete(waiter) !== true) return
    size--
    if (set.size === 0) waiting.delete(index)
  }

  function wait(index: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason)
    if (ended !== undefined) return Promise.reject(ended)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiter: Waiter = { resolve, reject }
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    add(index, waiter)
    return promise.finally(() => {
      signal.removeEventListener('abort', onAbort)
      remove(index, waiter)
    })
  }

  return {
    wait,
    wake(index) {
      for (const waiter of waiting.get(index) ?? []) waiter.resolve()
    },
    end(reason) {
      ended = reason
      for (const set of waiting.values()) for (const waiter of set) waiter.reject(reason)
    },
    get size() {
      return size
    }
  }
}
