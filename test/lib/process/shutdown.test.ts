import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'

interface Line {
  readonly level: string
  readonly msg: string
  readonly signal?: string
  readonly err?: { readonly message: string }
}

/** Starts a process and follows its log. */
function start(t: Test, behaviour: string) {
  const script = join(import.meta.dirname, 'shutdown-victim.ts')
  const child = spawn(process.execPath, [script, behaviour], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.teardown(() => child.kill('SIGKILL'))
  const lines: Line[] = []
  const log = createInterface({ input: child.stdout })
  log.on('line', (text) => lines.push(JSON.parse(text)))
  const exited = Promise.all([once(child, 'exit'), once(log, 'close')])

  return {
    child,
    lines,
    async logged(msg: string) {
      while (!lines.some((line) => line.msg === msg)) await once(log, 'line')
    },
    async ended() {
      const [[code, signal]] = await exited
      return { code, signal, messages: lines.map((line) => line.msg) }
    }
  }
}

t.test('SIGTERM, SIGINT and SIGHUP close everything, then the process exits with 0', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    const victim = start(t, 'plain')
    await victim.logged('ready')
    victim.child.kill(signal)
    const { code, messages } = await victim.ended()
    t.equal(code, 0, signal)
    t.same(messages, ['ready', 'stopping', 'flushed', 'stopped'])
    t.equal(victim.lines[1]?.signal, signal)
  }
})

t.test('a second signal exits at once', async (t) => {
  const victim = start(t, 'stuck')
  await victim.logged('ready')
  victim.child.kill('SIGTERM')
  await victim.logged('stopping')
  victim.child.kill('SIGINT')
  const { code, messages } = await victim.ended()
  t.equal(code, 1)
  t.same(messages, ['ready', 'stopping', 'second signal, exiting at once'])
})

t.test('a closing that takes too long is cut', async (t) => {
  const victim = start(t, 'late')
  await victim.logged('ready')
  victim.child.kill('SIGTERM')
  const { code, messages } = await victim.ended()
  t.equal(code, 1)
  t.same(messages, ['ready', 'stopping', 'closing took too long'])
})

t.test('an uncaught error is logged, everything is closed, the process exits with 1', async (t) => {
  for (const behaviour of ['throwing', 'rejecting']) {
    const victim = start(t, behaviour)
    const { code, messages } = await victim.ended()
    t.equal(code, 1, behaviour)
    t.same(messages, ['ready', 'uncaught error', 'stopping', 'flushed', 'stopped'])
    t.match(victim.lines[1], { level: 'error', err: { message: 'oops' } })
  }
})

t.test('a closing that fails is logged, the process exits with 1', async (t) => {
  const victim = start(t, 'failing')
  await victim.logged('ready')
  victim.child.kill('SIGTERM')
  const { code, messages } = await victim.ended()
  t.equal(code, 1)
  t.same(messages, ['ready', 'stopping', 'closing failed'])
  t.match(victim.lines.at(-1), { err: { message: 'cannot close' } })
})

t.test('the program may begin the closing itself', async (t) => {
  const { code, messages } = await start(t, 'manual').ended()
  t.equal(code, 0)
  t.same(messages, ['ready', 'stopping', 'flushed', 'stopped'])
})
