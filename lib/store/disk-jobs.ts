/**
 * How many disk operations of one purpose run at a time.
 *
 * All threads of the process share one thread pool, and a disk that hangs holds a thread of it for
 * as long. The caps together stay below the pool, so that one purpose cannot starve the others.
 */
export type DiskPurpose = 'http' | 'swarm' | 'ingest' | 'scrub'

export interface DiskJobs {
  /**
   * Runs `job` when its turn comes. Rejects with the signal's reason if that comes first; a job
   * that has started is never interrupted.
   */
  run<T>(purpose: DiskPurpose, signal: AbortSignal, job: () => Promise<T>): Promise<T>
}

interface Lane {
  running: number
  readonly queue: Set<() => void>
}

/** Together below the smallest pool (16), with something to spare for names and hashing. */
const DEFAULT_CAPS: Readonly<Record<DiskPurpose, number>> = {
  http: 6,
  swarm: 3,
  ingest: 4,
  scrub: 1
}

export function createDiskJobs(caps: Partial<Record<DiskPurpose, number>> = {}): DiskJobs {
  const limits = { ...DEFAULT_CAPS, ...caps }
  const lanes: Readonly<Record<DiskPurpose, Lane>> = {
    http: { running: 0, queue: new Set() },
    swarm: { running: 0, queue: new Set() },
    ingest: { running: 0, queue: new Set() },
    scrub: { running: 0, queue: new Set() }
  }

  function turn(purpose: DiskPurpose, signal: AbortSignal): Promise<void> {
    const lane = lanes[purpose]
    if (lane.running < limits[purpose]) {
      lane.running++
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => {
      const onTurn = () => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      }
      const onAbort = () => {
        lane.queue.delete(onTurn)
        reject(signal.reason)
      }
      lane.queue.add(onTurn)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** Hands the place to the one that waited longest, or gives it back. */
  function next(purpose: DiskPurpose): void {
    const lane = lanes[purpose]
    const [onTurn] = lane.queue
    if (onTurn === undefined) {
      lane.running--
    } else {
      lane.queue.delete(onTurn)
      onTurn()
    }
  }

  return {
    async run(purpose, signal, job) {
      signal.throwIfAborted()
      await turn(purpose, signal)
      try {
        return await job()
      } finally {
        next(purpose)
      }
    }
  }
}
