/**
 * How long this thread keeps its work waiting: `swarmgate_event_loop_delay_seconds`.
 *
 * Each scrape shows median, 99th percentile and maximum since the scrape before it.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Service } from '../process/service.ts'
import type { Metrics } from './metrics.ts'

const RESOLUTION_MS = 10
const QUANTILES = ['0.5', '0.99', '1'] as const

export function measureEventLoopDelay({ gauge }: Pick<Metrics, 'gauge'>): Service {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  histogram.enable()
  gauge(
    'swarmgate_event_loop_delay_seconds',
    'Delay of the main thread since the last scrape, by quantile',
    ['quantile'],
    (metric) => {
      for (const quantile of QUANTILES) metric.set({ quantile }, delaySeconds(histogram, quantile))
      histogram.reset()
    }
  )
  return {
    name: 'event loop delay',
    async close() {
      histogram.disable()
    }
  }
}

/** The histogram holds nanoseconds between ticks of a timer, the timer's own period included. */
function delaySeconds(
  histogram: ReturnType<typeof monitorEventLoopDelay>,
  quantile: string
): number {
  if (histogram.count === 0) return 0
  const ns = histogram.percentile(Number(quantile) * 100)
  return Math.max(0, ns / 1e9 - RESOLUTION_MS / 1e3)
}
