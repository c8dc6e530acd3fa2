/** Names in the order people expect: numbers by value, letters whatever their case. */

/** Above this the order of the torrent must do: comparing as people do is slow. */
const MAX_SORTED = 2000

const collator = new Intl.Collator('en', { numeric: true })

/** The items by name; as they are when there are very many. */
export function inNaturalOrder<T>(items: readonly T[], nameOf: (item: T) => string): readonly T[] {
  if (items.length > MAX_SORTED) return items
  return items.toSorted((a, b) => collator.compare(nameOf(a), nameOf(b)))
}
