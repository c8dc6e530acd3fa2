/**
 * A child process that is started again whenever it ends by itself.
 *
 * Guarantees: nothing the child does, nor its death by any signal, reaches this process; each new
 * child first gets `hello`, which is everything it must know. What was sent while none ran is lost,
 * which that greeting makes good. The child gets no environment: none of our secrets is in it.
 * The child ends itself when this process is gone (its channel closes).
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Log } from '../../process/service.ts'
import type { ProcessCommand, ProcessEvent } from './process-message.ts'

const FIRST_PAUSE_MS = 100
const LAST_PAUSE_MS = 30_000
/** A child that lived this long did not fail at the start. */
const SETTLED_MS = 60_000
const CLOSE_MS = 3000
/** What is kept of the child's last words, for the log. */
const LAST_WORDS = 2000
/** JavaScript memory of the child in MiB; its work is to move bytes, not to keep them. */
const HEAP_MB = 256

export interface KeptProcess {
  /** Of the child that runs now. */
  readonly pid: number | undefined
  send(command: ProcessCommand): void
  /** Resolves when the child has ended: cleanly, or after 3 s by force. May be called twice. */
  close(): Promise<void>
}

export interface KeptProcessDeps {
  readonly log: Log
  /** The first word to each child. */
  readonly hello: () => ProcessCommand
}

/** Returns at once; a child that cannot start is logged and tried again. */
export function keepProcess(entry: URL, { log, hello }: KeptProcessDeps): KeptProcess {
  const stop = new AbortController()
  let child: ChildProcess | undefined
  const running = keepRunning()
  let closing: Promise<void> | undefined

  async function keepRunning(): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LAST_PAUSE_MS, pauseMs * 2)) {
      const startedAt = Date.now()
      const facts = await runOnce()
      if (stop.signal.aborted) return
      if (Date.now() - startedAt > SETTLED_MS) pauseMs = FIRST_PAUSE_MS
      log.error({ ...facts, pauseMs }, 'WebRTC process ended; it is started again')
      await delay(pauseMs, undefined, { signal: stop.signal }).catch(() => {})
      if (stop.signal.aborted) return
    }
  }

  /** Resolves, never rejects, with what is known about the end. */
  async function runOnce(): Promise<object> {
    try {
      const started = start(entry)
      const words = lastWords(started)
      started.on('message', (event: ProcessEvent) => hear(event))
      // The first error ends the wait below; one after it must end nothing.
      started.on('error', () => {})
      // `exit` and not `close`: a grandchild could hold the pipe open.
      const exited = once(started, 'exit')
      child = started
      send(hello())
      const [code, signal] = await exited
      return { code, signal, stderr: words() }
    } catch (err) {
      return { err }
    } finally {
      child = undefined
    }
  }

  function hear(event: ProcessEvent): void {
    if (event.type === 'ready') log.debug({ pid: child?.pid }, 'WebRTC process is ready')
    else log.warn({ trouble: event.message, url: event.url }, 'trouble with WebRTC')
  }

  function send(command: ProcessCommand): void {
    // The error of a child that is just dying is told by its exit.
    if (child?.connected === true) child.send(command, () => {})
  }

  async function end(): Promise<void> {
    stop.abort()
    const last = child
    send({ type: 'close' })
    const forced = setTimeout(() => last?.kill('SIGKILL'), CLOSE_MS)
    await running
    clearTimeout(forced)
  }

  return {
    get pid() {
      return child?.pid
    },
    send,
    close() {
      closing ??= end()
      return closing
    }
  }
}

function start(entry: URL): ChildProcess {
  return fork(fileURLToPath(entry), [], {
    env: {},
    execArgv: [`--max-old-space-size=${HEAP_MB}`],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc']
  })
}

function lastWords(child: ChildProcess): () => string {
  let text = ''
  child.stderr?.setEncoding('utf8')
  child.stderr?.on('data', (more: string) => {
    text = (text + more).slice(-LAST_WORDS)
  })
  return () => text
}
