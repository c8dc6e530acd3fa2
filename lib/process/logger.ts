/**
 * The root of the log: JSON lines on stdout, pretty only when stdout is a terminal.
 *
 * Written synchronously, so that the last line before an exit is never lost. Everything else gets
 * its part of it passed as `log`; nothing imports a logger.
 */
import {
  type DestinationStream,
  type LevelWithSilent,
  type Logger,
  pino,
  stdTimeFunctions
} from 'pino'
import pretty from 'pino-pretty'

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const

export interface LoggerConfig {
  readonly level: LevelWithSilent
  /** Role or roles of this process; part of every line. */
  readonly role?: string
}

/** The log of the process. `destination` is for tests; without it, stdout. */
export function createLogger(config: LoggerConfig, destination?: DestinationStream): Logger {
  const options = {
    level: config.level,
    base: config.role === undefined ? null : { role: config.role },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) }
  }
  return pino(options, destination ?? standardOutput())
}

function standardOutput(): DestinationStream {
  if (!process.stdout.isTTY) return pino.destination({ dest: 1, sync: true })
  return pretty({ colorize: true, ignore: 'role', translateTime: 'SYS:HH:MM:ss.l', sync: true })
}
