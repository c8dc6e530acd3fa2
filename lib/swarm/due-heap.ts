/**
 * Things that are due at some time, the earliest on top: a binary heap in one array.
 *
 * Ten thousand waiting things share one timer. Each knows its place, so that one can be moved or
 * taken out without a search.
 */

export interface Due {
  /** Milliseconds; changed only by `DueHeap.put`. */
  dueAt: number
  /** Index in the heap, -1 outside; the heap's own. */
  place: number
}

export class DueHeap<T extends Due> {
  readonly #items: T[] = []

  get size(): number {
    return this.#items.length
  }

  /** The earliest; undefined when there is none. */
  get first(): T | undefined {
    return this.#items[0]
  }

  /** Puts an item in, or moves one that is in. */
  put(item: T, dueAt: number): void {
    item.dueAt = dueAt
    if (item.place < 0) item.place = this.#items.push(item) - 1
    this.#settle(item)
  }

  /** Takes an item out; nothing happens when it is not in. */
  remove(item: T): void {
    const { place } = item
    if (place < 0) return
    item.place = -1
    const last = this.#items.pop()
    if (last === undefined || last === item) return
    last.place = place
    this.#items[place] = last
    this.#settle(last)
  }

  #settle(item: T): void {
    this.#rise(item)
    this.#sink(item)
  }

  #rise(item: T): void {
    while (item.place > 0) {
      const parent = this.#items[(item.place - 1) >> 1] as T
      if (parent.dueAt <= item.dueAt) return
      this.#swap(item, parent)
    }
  }

  #sink(item: T): void {
    for (;;) {
      const at = 2 * item.place + 1
      const left = this.#items[at]
      const right = this.#items[at + 1]
      const child =
        right !== undefined && left !== undefined && right.dueAt < left.dueAt ? right : left
      if (child === undefined || item.dueAt <= child.dueAt) return
      this.#swap(item, child)
    }
  }

  #swap(a: T, b: T): void {
    const { place } = a
    a.place = b.place
    b.place = place
    this.#items[a.place] = a
    this.#items[b.place] = b
  }
}
