/** A log that keeps quiet, or tells a test what it was told. */
import { pino } from 'pino'
import type { Log } from '../../lib/process/service.ts'

export const silentLog: Log = pino({ level: 'silent' })
