/** Several views as one row of bytes: what a vectored read fills from front to back. */

/** The bytes of all views together. */
export function totalBytes(views: readonly Uint8Array[]): number {
  let total = 0
  for (const view of views) total += view.byteLength
  return total
}

/** Views of the bytes `[start, end)` of the row; they share its memory. */
export function viewsWithin(
  views: readonly Uint8Array[],
  start: number,
  end: number
): Uint8Array[] {
  const within: Uint8Array[] = []
  let at = 0
  for (const view of views) {
    const from = Math.max(start - at, 0)
    const to = Math.min(end - at, view.byteLength)
    if (from < to) within.push(to - from === view.byteLength ? view : view.subarray(from, to))
    at += view.byteLength
  }
  return within
}
