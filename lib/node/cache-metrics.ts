/** Metrics of a node's cache. */
import type { Metrics } from '../metrics/metrics.ts'
import type { Cache } from '../store/cache.ts'

export function declareCacheMetrics(
  metrics: Metrics,
  cache: Pick<Cache, 'usedBytes' | 'evictions'>
): void {
  metrics.gauge('swarmgate_cache_bytes', 'Disk that the piece cache uses', [], (gauge) =>
    gauge.set(cache.usedBytes)
  )
  let counted = 0
  metrics.counter('swarmgate_cache_evictions_total', 'Extents evicted', [], (counter) => {
    counter.inc(cache.evictions - counted)
    counted = cache.evictions
  })
}
