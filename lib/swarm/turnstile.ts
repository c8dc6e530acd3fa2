/** Lets so many pass at once; the others wait in the order they came. */
export interface Turnstile {
  /** Runs `work` when it is its turn; settles as `work` does. */
  pass<T>(work: () => Promise<T>): Promise<T>
}

export function createTurnstile(maxAtOnce: number): Turnstile {
  const waiting: (() => void)[] = []
  let inside = 0

  async function pass<T>(work: () => Promise<T>): Promise<T> {
    if (inside < maxAtOnce) inside++
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) inside--
      else next()
    }
  }

  return { pass }
}
