/**
 * The worker threads that hash uploads, shared by all of them.
 *
 * An upload stays with the worker that has the fewest: SHA-256 is one chain over the file. A
 * worker that dies fails the uploads it had and is replaced for the next ones.
 */
import { Worker } from 'node:worker_threads'
import { AppError } from '../../core/errors.ts'
import type { Log, Service } from '../../lib/process/service.ts'
import type { ContentSums, HashPlan } from './content-hash.ts'
import type { HashAnswer, HashCommand } from './hash-messages.ts'

export interface HashPool extends Service {
  /** Begins the hashing of one file whose blocks lie in `memory`. Dispose of it in any case. */
  begin(memory: SharedArrayBuffer, plan: HashPlan): HashJob
}

export interface HashJob extends Disposable {
  /** The bytes `[start, end)` of the memory come next; resolves when they may be overwritten. */
  update(start: number, end: number): Promise<void>
  finish(): Promise<ContentSums>
  /** The piece hashes of the file at `path`, which is read once more. */
  pieces(path: string, pieceLength: number): Promise<Uint8Array>
}

interface Waiter {
  readonly resolve: (answer: HashAnswer) => void
  readonly reject: (err: Error) => void
}

interface HashThread {
  readonly worker: Worker
  /** Per job, who waits for its next answers, in order. */
  readonly jobs: Map<number, Waiter[]>
}

export interface HashPoolDeps {
  readonly log: Log
  /** Starts a thread that runs `hash-worker.ts`. */
  readonly spawn?: () => Worker
}

export function createHashPool(
  config: { readonly workers: number },
  { log, spawn = spawnWorker }: HashPoolDeps
): HashPool {
  const threads = new Set<HashThread>()
  let lastJob = 0
  let closed = false

  function start(): HashThread {
    const worker = spawn()
    const thread: HashThread = { worker, jobs: new Map() }
    threads.add(thread)
    worker.on('message', (answer: HashAnswer) => settle(thread, answer))
    worker.on('error', (err) => lose(thread, err))
    worker.on('exit', (code) => lose(thread, new Error(`the hash worker ended with ${code}`)))
    return thread
  }

  function settle({ jobs }: HashThread, answer: HashAnswer): void {
    const waiter = jobs.get(answer.job)?.shift()
    if (answer.type !== 'failed') waiter?.resolve(answer)
    else waiter?.reject(new AppError('INTERNAL', `hashing failed: ${answer.message}`))
  }

  function lose(thread: HashThread, cause: Error): void {
    if (!threads.delete(thread)) return
    if (!closed) log.error({ err: cause }, 'a hash worker ended')
    const err = closed
      ? new AppError('SHUTTING_DOWN', 'the seeder is shutting down')
      : new AppError('INTERNAL', 'hashing was interrupted', { cause })
    for (const waiters of thread.jobs.values()) {
      for (const waiter of waiters.splice(0)) waiter.reject(err)
    }
  }

  function leastBusy(): HashThread {
    const [idlest] = [...threads].toSorted((a, b) => a.jobs.size - b.jobs.size)
    const full = threads.size >= config.workers || idlest?.jobs.size === 0
    return idlest !== undefined && full ? idlest : start()
  }

  function begin(memory: SharedArrayBuffer, plan: HashPlan): HashJob {
    if (closed) throw new AppError('SHUTTING_DOWN', 'the seeder is shutting down')
    const thread = leastBusy()
    const job = ++lastJob
    thread.jobs.set(job, [])
    const tell = (command: HashCommand) => thread.worker.postMessage(command)
    tell({ type: 'begin', job, memory, plan })

    const ask = async (command: HashCommand): Promise<HashAnswer> => {
      const waiters = threads.has(thread) ? thread.jobs.get(job) : undefined
      if (waiters === undefined) throw new AppError('INTERNAL', 'hashing was interrupted')
      const { promise, resolve, reject } = Promise.withResolvers<HashAnswer>()
      waiters.push({ resolve, reject })
      tell(command)
      return promise
    }
    return createJob(job, ask, () => {
      const waiters = thread.jobs.get(job)
      if (!thread.jobs.delete(job)) return
      for (const { reject } of waiters ?? []) reject(new AppError('INTERNAL', 'hashing was ended'))
      if (threads.has(thread)) tell({ type: 'forget', job })
    })
  }

  async function close(): Promise<void> {
    closed = true
    await Promise.all([...threads].map(({ worker }) => worker.terminate()))
  }

  start()
  return { name: 'ingest-hash', begin, close }
}

function spawnWorker(): Worker {
  return new Worker(new URL('./hash-worker.ts', import.meta.url), { name: 'ingest-hash' })
}

function createJob(
  job: number,
  ask: (command: HashCommand) => Promise<HashAnswer>,
  forget: () => void
): HashJob {
  return {
    async update(start, end) {
      await ask({ type: 'update', job, start, end })
    },
    async finish() {
      const answer = await ask({ type: 'finish', job })
      if (answer.type !== 'sums') throw outOfOrder(answer)
      return answer.sums
    },
    async pieces(path, pieceLength) {
      const answer = await ask({ type: 'pieces', job, path, pieceLength })
      if (answer.type !== 'pieces') throw outOfOrder(answer)
      return answer.pieces
    },
    [Symbol.dispose]: forget
  }
}

function outOfOrder(answer: HashAnswer): AppError {
  return new AppError('INTERNAL', `the hash worker answered out of order: ${answer.type}`)
}
