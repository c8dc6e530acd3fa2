/**
 * The process's metrics: a thin face over the Prometheus client's registry.
 *
 * Names are declared once, in each role's `metrics.ts`. Asking again for a name gives the same
 * metric, so that two roles in one process may share one. Labels are few and bounded: never an
 * infohash, an address or a path.
 */
import { Counter, Gauge, Histogram, type Metric, Registry } from '@prometheus-io/client'

export type { Counter, Gauge, Histogram }

export interface Metrics {
  readonly registry: Registry
  /** `collect` brings it up to date at the moment of a scrape. */
  counter<L extends string = never>(
    name: string,
    help: string,
    labels?: readonly L[],
    collect?: (counter: Counter<L>) => void
  ): Counter<L>
  /** `collect` sets the value at the moment of a scrape. */
  gauge<L extends string = never>(
    name: string,
    help: string,
    labels?: readonly L[],
    collect?: (gauge: Gauge<L>) => void | Promise<void>
  ): Gauge<L>
  /** `buckets`: upper bounds in the metric's unit. */
  histogram<L extends string = never>(
    name: string,
    help: string,
    labels?: readonly L[],
    buckets?: readonly number[]
  ): Histogram<L>
}

/** From 1 ms to 1 min in seconds, for whatever somebody waits for. */
export const SECONDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60
] as const

export function createMetrics(): Metrics {
  const registry = new Registry()

  function counter<L extends string>(
    name: string,
    help: string,
    labels: readonly L[] = [],
    collect?: (counter: Counter<L>) => void
  ) {
    const known = registry.getSingleMetric<L>(name)
    if (known instanceof Counter) return known
    refuseOtherKind(name, known)
    const options = { name, help, labelNames: [...labels], registers: [registry] }
    if (collect === undefined) return new Counter<L>(options)
    return new Counter<L>({
      ...options,
      collect(this: Counter<L>) {
        return collect(this)
      }
    })
  }

  function gauge<L extends string>(
    name: string,
    help: string,
    labels: readonly L[] = [],
    collect?: (gauge: Gauge<L>) => void | Promise<void>
  ) {
    const known = registry.getSingleMetric<L>(name)
    if (known instanceof Gauge) return known
    refuseOtherKind(name, known)
    const options = { name, help, labelNames: [...labels], registers: [registry] }
    if (collect === undefined) return new Gauge<L>(options)
    return new Gauge<L>({
      ...options,
      collect(this: Gauge<L>) {
        return collect(this)
      }
    })
  }

  function histogram<L extends string>(
    name: string,
    help: string,
    labels: readonly L[] = [],
    buckets: readonly number[] = SECONDS
  ) {
    const known = registry.getSingleMetric<L>(name)
    if (known instanceof Histogram) return known
    refuseOtherKind(name, known)
    const options = { name, help, labelNames: [...labels], registers: [registry] }
    return new Histogram<L>({ ...options, buckets: [...buckets] })
  }

  return { registry, counter, gauge, histogram }
}

function refuseOtherKind<L extends string>(name: string, known: Metric<L> | undefined): void {
  if (known !== undefined) throw new Error(`the metric ${name} is declared as another kind`)
}
