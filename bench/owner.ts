/** Owns what a bench starts, and ends it all, the last first. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface BenchOwner {
  teardown(close: () => unknown): void
  /** A new folder that is gone afterwards. */
  folder(): Promise<string>
}

export async function withOwner<T>(body: (owner: BenchOwner) => Promise<T>): Promise<T> {
  const closing: (() => unknown)[] = []
  const owner: BenchOwner = {
    teardown: (close) => void closing.push(close),
    async folder() {
      const path = await mkdtemp(join(tmpdir(), 'swarmgate-bench-'))
      owner.teardown(() => rm(path, { recursive: true, force: true }))
      return path
    }
  }
  try {
    return await body(owner)
  } finally {
    for (const close of closing.reverse()) await close()
  }
}
