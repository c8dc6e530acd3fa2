/** The announce side's metrics: names, labels and meanings. */
import type { Metrics } from '../../lib/metrics/metrics.ts'
import type { Family } from './address.ts'
import type { AnnounceEvent, AnnounceRequest, Protocol } from './announce-request.ts'
import type { AnnounceOutcome } from './policy.ts'
import type { SwarmStore } from './swarm-store.ts'

export interface AnnounceMetrics {
  /** An announce that was understood, and what became of it. */
  decided(request: AnnounceRequest, outcome: AnnounceOutcome): void
  /** A request that was not understood. */
  invalid(protocol: Protocol, family: Family): void
}

type Label = 'protocol' | 'family' | 'event' | 'result'
type Result = AnnounceOutcome['kind'] | 'invalid'

export function createAnnounceMetrics(
  metrics: Pick<Metrics, 'counter' | 'gauge'>,
  store: Pick<SwarmStore, 'size' | 'totals'>
): AnnounceMetrics {
  const announces = metrics.counter<Label>(
    'swarmgate_tracker_announces_total',
    'Announces by transport, address family, event and what became of them',
    ['protocol', 'family', 'event', 'result']
  )
  metrics.gauge<'family'>(
    'swarmgate_tracker_peers',
    'Peers listed in all swarms, by the way they are reached',
    ['family'],
    (gauge) => {
      for (const [family, peers] of Object.entries(store.totals)) gauge.set({ family }, peers)
    }
  )
  metrics.gauge('swarmgate_tracker_swarms', 'Swarms somebody was in lately', [], (gauge) => {
    gauge.set(store.size)
  })

  function count(
    protocol: Protocol,
    family: Family,
    event: AnnounceEvent | 'none',
    result: Result
  ): void {
    announces.inc({ protocol, family, event, result })
  }

  return {
    decided: ({ protocol, from, event }, { kind }) => count(protocol, from.family, event, kind),
    invalid: (protocol, family) => count(protocol, family, 'none', 'invalid')
  }
}
