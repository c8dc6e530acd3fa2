/**
 * Calls `fn` for every item, at most `limit` at a time. Rejects with the first error once the
 * calls that were running have ended; no further item is then started.
 */
export async function boundedEach<T>(
  items: Iterable<T>,
  limit: number,
  fn: (item: T) => Promise<void>
): Promise<void> {
  const iterator = items[Symbol.iterator]()
  const failures: unknown[] = []

  async function work(): Promise<void> {
    for (let next = iterator.next(); !next.done && failures.length === 0; next = iterator.next()) {
      try {
        await fn(next.value)
      } catch (err) {
        failures.push(err)
      }
    }
  }

  await Promise.all(Array.from({ length: limit }, work))
  if (failures.length > 0) throw failures[0]
}
