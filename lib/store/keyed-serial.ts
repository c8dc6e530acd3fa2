/** Runs jobs of one key one after the other, jobs of different keys side by side. */
export interface KeyedSerial<K> {
  run<T>(key: K, job: () => Promise<T>): Promise<T>
  /** Resolves when every job started before it has ended. */
  settled(): Promise<void>
}

export function createKeyedSerial<K>(): KeyedSerial<K> {
  const tails = new Map<K, Promise<void>>()

  function run<T>(key: K, job: () => Promise<T>): Promise<T> {
    const outcome = (tails.get(key) ?? Promise.resolve()).then(job)
    const tail = outcome
      .then(
        () => {},
        () => {}
      )
      .finally(() => {
        if (tails.get(key) === tail) tails.delete(key)
      })
    tails.set(key, tail)
    return outcome
  }

  return {
    run,
    async settled() {
      await Promise.all(tails.values())
    }
  }
}
