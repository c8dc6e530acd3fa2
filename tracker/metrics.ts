/** The tracker's metrics beside those of its announce side: what the catalogue adds up to. */
import type { Metrics } from '../lib/metrics/metrics.ts'
import type { Log } from '../lib/process/service.ts'
import type { Catalogue } from './catalogue/catalogue.ts'
import type { CatalogueTotals } from './catalogue/copies.ts'

export interface TrackerMetricsDeps {
  readonly catalogue: Pick<Catalogue, 'totals' | 'onChange'>
  readonly log: Log
}

/** Declares the gauges. They are counted at a scrape, and only if something changed since. */
export function declareTrackerMetrics(
  metrics: Pick<Metrics, 'gauge'>,
  { catalogue, log }: TrackerMetricsDeps
): void {
  let known: Promise<CatalogueTotals | undefined> | undefined
  catalogue.onChange(() => {
    known = undefined
  })

  function totals(): Promise<CatalogueTotals | undefined> {
    known ??= catalogue.totals().catch((err) => {
      known = undefined
      log.error({ err }, 'the catalogue could not be counted')
      return undefined
    })
    return known
  }

  metrics.gauge<'state'>(
    'swarmgate_torrents',
    'Torrents of the catalogue by state',
    ['state'],
    async (gauge) => {
      const sums = await totals()
      if (sums === undefined) return
      gauge.set({ state: 'published' }, sums.published)
      gauge.set({ state: 'unpublished' }, sums.unpublished)
    }
  )
  metrics.gauge<'state'>(
    'swarmgate_replicas',
    'Copies of published torrents: wanted (capped by the live seeders) and ready (on live ones)',
    ['state'],
    async (gauge) => {
      const sums = await totals()
      if (sums === undefined) return
      gauge.set({ state: 'wanted' }, sums.copiesWanted)
      gauge.set({ state: 'ready' }, sums.copiesReady)
    }
  )
}
