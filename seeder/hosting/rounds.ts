/**
 * Something that is done again and again: at the start, when somebody says so, and anyway after a
 * while. A round that fails is tried again with back-off; rounds never overlap.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Log, Service } from '../../lib/process/service.ts'

export interface RoundsConfig {
  readonly name: string
  /** The longest pause, give or take a quarter, so that a fleet does not do it in step. */
  readonly everyMs: number
  /** The shortest pause: what happens within it is seen by one round. */
  readonly gapMs: number
  /** The pause after a first failure; doubled up to `everyMs`. */
  readonly retryMs: number
}

export interface Rounds extends Service {
  /** There is something to do. */
  wake(): void
}

export function startRounds(
  config: RoundsConfig,
  round: (signal: AbortSignal) => Promise<void>,
  log: Log
): Rounds {
  const stop = new AbortController()
  let wanted = Promise.withResolvers<void>()
  let retryMs = config.retryMs
  const running = loop()

  async function loop(): Promise<void> {
    while (!stop.signal.aborted) {
      wanted = Promise.withResolvers<void>()
      try {
        await round(stop.signal)
        retryMs = config.retryMs
        await pause(config.gapMs)
        await idle()
      } catch (err) {
        await backOff(err)
      }
    }
  }

  async function idle(): Promise<void> {
    const woken = new AbortController()
    const timer = delay(jittered(config.everyMs), undefined, {
      signal: AbortSignal.any([stop.signal, woken.signal])
    })
    await Promise.race([timer.catch(() => {}), wanted.promise])
    woken.abort()
  }

  async function backOff(err: unknown): Promise<void> {
    if (stop.signal.aborted) return
    log.warn({ err, round: config.name, retryMs }, 'a round failed')
    await pause(jittered(retryMs))
    retryMs = Math.min(retryMs * 2, config.everyMs)
  }

  async function pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: stop.signal }).catch(() => {})
  }

  return {
    name: config.name,
    wake: () => wanted.resolve(),
    async close() {
      stop.abort()
      await running
    }
  }
}

function jittered(ms: number): number {
  return ms * (0.75 + Math.random() / 2)
}
