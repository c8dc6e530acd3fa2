/**
 * Started by shutdown.test.ts. Its argument says how its closing behaves and what happens first;
 * it logs JSON lines on stdout.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { createLogger } from '../../../lib/process/logger.ts'
import { closeOnSignals } from '../../../lib/process/shutdown.ts'

const [behaviour = ''] = process.argv.slice(2)
const log = createLogger({ level: 'info' })
const alive = setInterval(() => {}, 60_000)

async function close(): Promise<void> {
  if (behaviour === 'failing') throw new Error('cannot close')
  if (behaviour === 'stuck' || behaviour === 'late') await delay(60_000)
  clearInterval(alive)
  log.info('flushed')
}

const stop = closeOnSignals(close, log, behaviour === 'late' ? { graceMs: 1 } : {})
log.info('ready')
if (behaviour === 'manual') stop()
if (behaviour === 'throwing')
  setImmediate(() => {
    throw new Error('oops')
  })
if (behaviour === 'rejecting') Promise.reject(new Error('oops'))
