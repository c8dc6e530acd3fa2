/** A child process that speaks JSON, a line per message: a peer that a bench compares us with. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { BenchOwner } from './owner.ts'

export interface LineProcess<Answer> {
  readonly pid: number
  say(message: unknown): void
  /** The next line of its output. Rejects when it ended instead, or is silent for two minutes. */
  next(): Promise<Answer>
  stop(): Promise<void>
}

const PATIENCE_MS = 2 * 60_000

/** Starts it; the owner ends it. */
export function startLineProcess<Answer>(
  owner: BenchOwner,
  command: string,
  args: readonly string[]
): LineProcess<Answer> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.on('error', () => {})
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const exited = once(child, 'exit')
  exited.catch(() => {})

  async function stop(): Promise<void> {
    child.kill('SIGKILL')
    await exited
  }
  owner.teardown(stop)

  return {
    pid: child.pid ?? 0,
    say: (message) => void child.stdin.write(`${JSON.stringify(message)}\n`),
    async next() {
      const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
      const { value, done } = await lines.next()
      clearTimeout(timer)
      if (done) throw new Error(`${command} ${args[0]} ended or was silent for too long`)
      return JSON.parse(value)
    },
    stop
  }
}
