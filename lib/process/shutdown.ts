/**
 * How the process ends: close-with-grace, wired to the log.
 *
 * SIGTERM, SIGINT and SIGHUP close everything and exit 0; a second signal exits at once, and so
 * does a closing that takes longer than allowed (both 1). An uncaught error or rejection is
 * logged, everything is closed, exit 1. Signals of faults (SIGSEGV …) and of dumps are left to the
 * system: a handler for them in JavaScript would only hide them.
 */
import closeWithGrace from 'close-with-grace'
import type { Log } from './service.ts'

/** How long running responses may go on after the signal (CONTRACT "Running"). */
export const RESPONSES_GRACE_MS = 30_000

/** How long all of the closing may take: the responses, then announcing and flushing. */
export const CLOSING_GRACE_MS = RESPONSES_GRACE_MS + 10_000

const LEFT_TO_THE_SYSTEM = [
  'SIGQUIT',
  'SIGILL',
  'SIGTRAP',
  'SIGABRT',
  'SIGBUS',
  'SIGFPE',
  'SIGSEGV',
  'SIGUSR2'
] as const

export interface ShutdownOptions {
  readonly graceMs?: number
}

/**
 * From now on the process ends only through `close`, which is called once and closes all there
 * is. The returned function starts that ending without a signal.
 */
export function closeOnSignals(
  close: () => Promise<void>,
  log: Log,
  { graceMs = CLOSING_GRACE_MS }: ShutdownOptions = {}
): () => void {
  const grace = closeWithGrace(
    {
      delay: graceMs,
      skip: [...LEFT_TO_THE_SYSTEM],
      logger: { error: (err: unknown) => log.error({ err }, 'closing failed') },
      onSecondSignal: (signal) => log.warn({ signal }, 'second signal, exiting at once'),
      onSecondError: (err) => log.error({ err }, 'uncaught error while closing'),
      onTimeout: (ms) => log.error({ ms }, 'closing took too long')
    },
    async ({ err, signal }: { readonly err?: unknown; readonly signal?: string }) => {
      if (err !== undefined) log.error({ err }, 'uncaught error')
      log.info({ signal }, 'stopping')
      await close()
      log.info('stopped')
    }
  )
  return grace.close
}
