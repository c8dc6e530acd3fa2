/** Owns what a bench starts, and ends it all, the last first; also when the bench is interrupted. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface BenchOwner {
  teardown(close: () => unknown): void
  /** A new folder that is gone afterwards. */
  folder(): Promise<string>
}

/** What every owner of this process has to end: signals know no owner. */
const everything: (() => unknown)[] = []
let interrupted = false

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (interrupted) return
    interrupted = true
    void endAll([...everything]).finally(() => process.exit(1))
  })
}

/** Runs `body`, then ends what it started, also when it fails. Owners may be inside each other. */
export async function withOwner<T>(body: (owner: BenchOwner) => Promise<T>): Promise<T> {
  const own: (() => unknown)[] = []
  const owner: BenchOwner = {
    teardown(close) {
      own.push(close)
      everything.push(close)
    },
    async folder() {
      const path = await mkdtemp(join(tmpdir(), 'swarmgate-bench-'))
      owner.teardown(() => rm(path, { recursive: true, force: true }))
      return path
    }
  }
  try {
    return await body(owner)
  } finally {
    await endAll(own)
  }
}

/** One that cannot be ended keeps none of the others alive. */
async function endAll(closing: readonly (() => unknown)[]): Promise<void> {
  for (const close of closing.toReversed()) {
    try {
      await close()
    } catch (err) {
      process.stderr.write(`not ended cleanly: ${err}\n`)
    }
    const place = everything.lastIndexOf(close)
    if (place >= 0) everything.splice(place, 1)
  }
}
