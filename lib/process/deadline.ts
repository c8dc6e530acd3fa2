/** A wait that ends with an error of ours instead of the platform's nameless timeout. */

/**
 * A signal that aborts with `reason()` after `ms`, or with the reason of the first of `others`
 * that does. Disposing it in time prevents both and leaves no listener behind, which
 * `AbortSignal.any` would until the collector runs.
 */
export function deadline(
  ms: number,
  reason: () => Error,
  ...others: readonly AbortSignal[]
): Disposable & { signal: AbortSignal } {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(reason()), ms)
  const onAbort = () => {
    controller.abort(others.find(({ aborted }) => aborted)?.reason)
  }
  for (const other of others) other.addEventListener('abort', onAbort, { once: true })
  if (others.some(({ aborted }) => aborted)) onAbort()
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer)
      for (const other of others) other.removeEventListener('abort', onAbort)
    }
  }
}
