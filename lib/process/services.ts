/**
 * What a process has opened, closed in reverse order.
 *
 * Guarantees: each service is closed once, the last opened first, one after the other; one that
 * fails or exceeds its deadline is logged and does not keep the others from closing; `close` may
 * be called twice and resolves when all is done. One added while closing is closed at once.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Log, Service } from './service.ts'

export interface Services extends Service {
  /** Takes over the closing of `service`; returns it. */
  add<S extends Service>(service: S): S
}

export interface ServicesOptions {
  /** How long one service may take to close; by default longer than responses may go on. */
  readonly deadlineMs?: number
}

export function createServices(log: Log, { deadlineMs = 35_000 }: ServicesOptions = {}): Services {
  const opened: Service[] = []
  let closing: Promise<void> | undefined

  async function closeAll(): Promise<void> {
    for (let service = opened.pop(); service !== undefined; service = opened.pop()) {
      await closeOne(service, deadlineMs, log)
    }
  }

  return {
    name: 'services',
    add(service) {
      opened.push(service)
      // The loop above may be past its end already.
      if (closing !== undefined) closing = closing.then(closeAll)
      return service
    },
    close() {
      closing ??= closeAll()
      return closing
    }
  }
}

async function closeOne(service: Service, deadlineMs: number, log: Log): Promise<void> {
  const { name } = service
  const stop = new AbortController()
  const startedAt = performance.now()
  const late = delay(deadlineMs, 'late', { signal: stop.signal }).catch(() => 'stopped')
  try {
    const outcome = await Promise.race([service.close(), late])
    if (outcome === 'late')
      log.error({ service: name, deadlineMs }, 'service did not close in time')
    else log.debug({ service: name, ms: Math.round(performance.now() - startedAt) }, 'closed')
  } catch (err) {
    log.error({ err, service: name }, 'service failed to close')
  } finally {
    stop.abort()
  }
}
