/** A tracker's announce side on real sockets of one port number, closed with the test. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import type { InfoHash } from '../../../core/info-hash.ts'
import { createMetrics } from '../../../lib/metrics/metrics.ts'
import type { Log } from '../../../lib/process/service.ts'
import {
  type Announce,
  type AnnounceConfig,
  type AnnounceDeps,
  createAnnounce
} from '../../../tracker/announce/announce.ts'

export interface TrackerFixture {
  readonly announce: Announce
  readonly port: number
  /** One line of the metrics page, by its beginning; undefined when it is not there. */
  metric(start: string): Promise<string | undefined>
  /** What was logged as an error or a warning: nothing a client sends belongs there. */
  readonly complaints: readonly string[]
  close(): Promise<void>
}

const quiet: Log = {
  trace() {},
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => {
    throw new Error('no child logger here')
  }
}

export async function openTracker(
  t: Test,
  config: Partial<AnnounceConfig> = {},
  deps: Partial<AnnounceDeps> = {}
): Promise<TrackerFixture> {
  const complaints: string[] = []
  const complain = (_facts: unknown, message?: string) => {
    complaints.push(String(message))
  }
  const log = { ...quiet, warn: complain, error: complain } as Log
  const metrics = createMetrics()
  const approve = async () => true
  const announce = createAnnounce(config, { approve, log, metrics, ...deps })
  const server = createServer((request, response) => {
    if (!announce.handleHttp(request, response)) response.writeHead(404).end()
  })
  server.on('upgrade', announce.handleUpgrade)
  const port = await listen()

  /** The UDP port of that number may be somebody else's: then another. */
  async function listen(): Promise<number> {
    for (;;) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const { port } = server.address() as AddressInfo
      try {
        return await announce.listenUdp('127.0.0.1', port)
      } catch {
        await new Promise((resolve) => server.close(resolve))
      }
    }
  }

  async function close(): Promise<void> {
    const closed = new Promise((resolve) => server.close(resolve))
    await announce.close()
    server.closeAllConnections()
    await closed
  }

  async function metric(start: string): Promise<string | undefined> {
    const page = await metrics.registry.metrics()
    return page.split('\n').find((line) => line.startsWith(start))
  }

  t.teardown(close)
  return { announce, port, metric, complaints, close }
}

/** Forty hex digits from one number. */
export function hashOf(n: number): InfoHash {
  return `a${n.toString(16).padStart(39, '0')}` as InfoHash
}
