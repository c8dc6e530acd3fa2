/** Metrics of the seeder. */
import type { Metrics } from '../lib/metrics/metrics.ts'

/** From 10 ms to 1 h in seconds: an upload lasts as long as its sender's line makes it. */
const UPLOAD_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600]

export interface IngestMetrics {
  readonly bytes: { inc(bytes: number): void }
  readonly seconds: { observe(seconds: number): void }
}

export function createIngestMetrics(metrics: Metrics): IngestMetrics {
  return {
    bytes: metrics.counter('swarmgate_ingest_bytes_total', 'Bytes of uploads taken in.'),
    seconds: metrics.histogram(
      'swarmgate_ingest_seconds',
      'Time from the acceptance of an upload to its publication.',
      [],
      UPLOAD_SECONDS
    )
  }
}
