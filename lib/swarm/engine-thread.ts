/**
 * One engine in one worker thread that is started again whenever it ends by itself.
 *
 * Guarantees: an error in the thread never reaches the process; after a restart the engine listens
 * on the port it had, and `onRestart` tells the owner to say everything again. What was sent while
 * no thread ran is lost, which that repetition makes good.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { Log } from '../process/service.ts'
import type { EngineCommand, EngineConfig, EngineEvent } from './contract.ts'

const FIRST_PAUSE_MS = 100
const LAST_PAUSE_MS = 30_000
/** A thread that lived this long did not fail at the start. */
const SETTLED_MS = 60_000
const CLOSE_MS = 5000

type Ready = Extract<EngineEvent, { type: 'ready' }>
/** What an engine says after it is ready. */
export type EngineNews = Exclude<EngineEvent, { type: 'ready' }>

export interface EngineThreadDeps {
  readonly log: Log
  readonly onEvent: (event: EngineNews) => void
  /** The thread was started again and knows nothing. */
  readonly onRestart: () => void
}

export interface EngineThread {
  readonly port: number
  readonly relayPort: number | undefined
  send(command: EngineCommand): void
  /** Resolves when the thread has ended: cleanly, or after 5 s by force. */
  close(): Promise<void>
}

interface Run {
  readonly worker: Worker
  readonly port: number
  readonly relayPort: number | undefined
  readonly ended: Promise<Error>
}

/** Resolves when the engine listens; rejects with the engine's error when it cannot. */
export async function startEngineThread(
  entry: URL,
  config: EngineConfig,
  deps: EngineThreadDeps
): Promise<EngineThread> {
  const stop = new AbortController()
  let run: Run | undefined = await startRun(entry, config, deps)
  const { port, relayPort } = run
  const watching = watch(run)

  async function watch(first: Run): Promise<void> {
    let current = first
    let pauseMs = FIRST_PAUSE_MS
    for (;;) {
      const startedAt = Date.now()
      const err = await current.ended
      run = undefined
      if (stop.signal.aborted) return
      if (Date.now() - startedAt > SETTLED_MS) pauseMs = FIRST_PAUSE_MS
      deps.log.error({ err, port, pauseMs }, 'swarm engine ended; it is started again')
      const next = await restart(pauseMs)
      if (next === undefined) return
      pauseMs = Math.min(LAST_PAUSE_MS, pauseMs * 2)
      current = next
      run = next
      deps.onRestart()
    }
  }

  async function restart(firstPauseMs: number): Promise<Run | undefined> {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(LAST_PAUSE_MS, pauseMs * 2)) {
      await delay(pauseMs, undefined, { signal: stop.signal }).catch(() => {})
      if (stop.signal.aborted) return undefined
      try {
        const next = await startRun(entry, { ...config, port, relayPort }, deps)
        if (!stop.signal.aborted) return next
        await next.worker.terminate()
        return undefined
      } catch (err) {
        deps.log.error({ err, port, pauseMs }, 'swarm engine did not start')
      }
    }
  }

  async function end(): Promise<void> {
    stop.abort()
    const last = run
    last?.worker.postMessage({ type: 'close' } satisfies EngineCommand)
    const forced = setTimeout(() => void last?.worker.terminate(), CLOSE_MS)
    await watching
    clearTimeout(forced)
  }

  let closing: Promise<void> | undefined
  return {
    port,
    relayPort,
    send: (command) => run?.worker.postMessage(command),
    close() {
      closing ??= end()
      return closing
    }
  }
}

async function startRun(entry: URL, config: EngineConfig, deps: EngineThreadDeps): Promise<Run> {
  const worker = new Worker(entry, { workerData: config, name: 'swarm' })
  const ended = new Promise<Error>((resolve) => {
    worker.once('error', (err: Error) => resolve(err))
    worker.once('exit', (code) => resolve(new Error(`the thread ended with code ${code}`)))
  })
  // `error` comes before `exit`; the thread is gone only at `exit`.
  const gone = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  const { port, relayPort } = await new Promise<Ready>((resolve, reject) => {
    void ended.then(reject)
    worker.on('message', (event: EngineEvent) => {
      if (event.type === 'ready') resolve(event)
      else deps.onEvent(event)
    })
  })
  return { worker, port, relayPort, ended: Promise.all([ended, gone]).then(([err]) => err) }
}
