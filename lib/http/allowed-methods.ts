/**
 * Which methods a URL would have: tells 405 with `Allow` from 404.
 *
 * Routes are noted as they are declared. Only asked when no route was found, so a walk over the
 * patterns is good enough.
 */

export interface AllowedMethods {
  note(pattern: string, methods: string | readonly string[]): void
  /** Upper case and sorted; empty when no route has this path. */
  of(path: string): readonly string[]
}

export function createAllowedMethods(): AllowedMethods {
  const patterns = new Map<string, { readonly matcher: RegExp; readonly methods: Set<string> }>()

  return {
    note(pattern, methods) {
      const entry = patterns.get(pattern) ?? { matcher: matcherOf(pattern), methods: new Set() }
      for (const method of [methods].flat()) entry.methods.add(method.toUpperCase())
      patterns.set(pattern, entry)
    },
    of(path) {
      const matching = [...patterns.values()].filter(({ matcher }) => matcher.test(path))
      return [...new Set(matching.flatMap(({ methods }) => [...methods]))].toSorted()
    }
  }
}

/** `/:name` is one segment or a part of one, `*` is the rest; all else stands for itself. */
function matcherOf(pattern: string): RegExp {
  const parts = pattern.split(/(:\w+(?:\([^)]*\))?\??|\*)/)
  const source = parts.map((part, index) => {
    if (index % 2 === 0) return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    return part === '*' ? '.*' : '[^/]+'
  })
  return new RegExp(`^${source.join('')}$`, 's')
}
