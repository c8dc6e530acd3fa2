/**
 * Ends the reads of one response that the disk does not answer, or that nobody waits for any more.
 *
 * One timer and one listener per signal for all of them, since this runs for every buffer: what a
 * warm response costs is decided here. One read at a time.
 */
export interface ReadingTime {
  /**
   * The outcome of `work`, which goes on whatever happens; or the reason of `signal` or of the
   * content's end, or `late()` after the time.
   */
  spend<T>(work: () => Promise<T>, signal: AbortSignal, late: () => Error): Promise<T>
  close(): void
}

/**
 * @param ms how long one read may take
 * @param gone aborted when the content goes away
 */
export function createReadingTime(ms: number, gone: AbortSignal): ReadingTime {
  let give: ((reason: unknown) => void) | undefined
  let late: (() => Error) | undefined
  let timer: NodeJS.Timeout | undefined
  let watched: AbortSignal | undefined
  const onAbort = () => give?.(watched?.aborted ? watched.reason : gone.reason)

  function watch(signal: AbortSignal): void {
    if (signal === watched) return
    if (watched === undefined) gone.addEventListener('abort', onAbort)
    watched?.removeEventListener('abort', onAbort)
    watched = signal
    signal.addEventListener('abort', onAbort)
  }

  function wind(): void {
    if (timer === undefined) timer = setTimeout(() => give?.(late?.()), ms)
    else timer.refresh()
  }

  return {
    async spend(work, signal, whenLate) {
      signal.throwIfAborted()
      gone.throwIfAborted()
      watch(signal)
      late = whenLate
      wind()
      return new Promise((resolve, reject) => {
        give = reject
        work().then(resolve, reject)
      })
    },
    close() {
      give = undefined
      clearTimeout(timer)
      timer = undefined
      if (watched === undefined) return
      watched.removeEventListener('abort', onAbort)
      gone.removeEventListener('abort', onAbort)
      watched = undefined
    }
  }
}
