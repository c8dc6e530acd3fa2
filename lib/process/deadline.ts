/** A wait that ends with an error of ours instead of the platform's nameless timeout. */

/** A signal that aborts with `reason()` after `ms`; disposing it in time prevents that. */
export function deadline(ms: number, reason: () => Error): Disposable & { signal: AbortSignal } {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(reason()), ms)
  return { signal: controller.signal, [Symbol.dispose]: () => clearTimeout(timer) }
}
