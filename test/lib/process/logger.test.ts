import t from 'tap'
import { createLogger } from '../../../lib/process/logger.ts'

function collect(config: Parameters<typeof createLogger>[0]) {
  const lines: string[] = []
  const log = createLogger(config, { write: (line) => lines.push(line) })
  return { log, lines }
}

t.test('a line is JSON with level, time, facts and a constant message', async (t) => {
  const { log, lines } = collect({ level: 'info', role: 'gateway' })
  log.info({ port: 8080 }, 'ready')
  t.equal(lines.length, 1)
  const line = JSON.parse(lines[0] ?? '')
  t.match(line, { level: 'info', role: 'gateway', port: 8080, msg: 'ready' })
  t.match(line.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  t.same(Object.keys(line).sort(), ['level', 'msg', 'port', 'role', 'time'])
})

t.test('errors keep stack and cause', async (t) => {
  const { log, lines } = collect({ level: 'info' })
  log.error({ err: new Error('outer', { cause: new Error('inner') }) }, 'failed')
  const { err } = JSON.parse(lines[0] ?? '')
  t.match(err.stack, /outer[\s\S]*caused by: Error: inner/)
})

t.test('levels below the configured one are not written', async (t) => {
  const { log, lines } = collect({ level: 'warn' })
  log.info('no')
  log.warn('yes')
  log.child({ component: 'x' }).debug('no')
  t.equal(lines.length, 1)
})
