/**
 * Real processes for system tests: `node main.ts …` with its own data folder and free ports.
 *
 * `start` resolves with the addresses of the `ready` line; teardown kills what still runs.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
/** What the owner of the processes offers: a test, or a bench. */
export interface Owner {
  teardown(close: () => Promise<void>): void
}

export interface Addresses {
  readonly gateway?: string
  readonly tracker?: string
  readonly announce?: readonly string[]
  readonly ingest?: string
  readonly admin: string
  readonly wire?: readonly string[]
}

export interface Running {
  readonly addresses: Addresses
  readonly process: ChildProcess
  /** Every line of its log so far. */
  readonly lines: readonly Record<string, unknown>[]
  /** Resolves with the first log line, past or future, that `matches`. */
  line(matches: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>
  /** Sends a signal and resolves with the exit code, or the signal's name. */
  stop(signal?: NodeJS.Signals): Promise<number | string>
}

export const ROOT = new URL('../..', import.meta.url).pathname

const FREE_PORTS = {
  SWARMGATE_GATEWAY_PORT: '0',
  SWARMGATE_TRACKER_PORT: '0',
  SWARMGATE_SEEDER_PORT: '0',
  SWARMGATE_WIRE_PORT: '0',
  SWARMGATE_ADMIN_PORT: '0',
  SWARMGATE_SWARM_WORKERS: '1'
}
/** Longer than any wait of a starved machine that ends well. */
const PATIENT = { SWARMGATE_GATEWAY_FIRST_BYTE_TIMEOUT: '10m' }

/** Starts `main.ts role` (all roles without one) and waits until it is ready. */
export async function start(
  t: Owner,
  settings: Readonly<Record<string, string>>,
  role?: 'tracker' | 'seeder' | 'gateway'
): Promise<Running> {
  const running = launch(t, settings, role)
  const exited = once(running.process, 'exit').then(([code, signal]) => {
    throw new Error(
      `exited with ${code ?? signal} before it was ready:\n${running.output().slice(-4000)}`
    )
  })
  exited.catch(() => {})
  const ready = await Promise.race([running.line(({ msg }) => msg === 'ready'), exited])
  return Object.assign(running, { addresses: ready as unknown as Addresses })
}

/** Starts `main.ts` without waiting for anything. */
export function launch(
  t: Owner,
  settings: Readonly<Record<string, string>>,
  role?: string
): Omit<Running, 'addresses'> & { output: () => string } {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(SWARMGATE|TAP)_/.test(name))
  const child = spawn(process.execPath, ['main.ts', ...(role === undefined ? [] : [role])], {
    cwd: ROOT,
    env: {
      ...Object.fromEntries(inherited),
      NODE_OPTIONS: '',
      ...FREE_PORTS,
      ...PATIENT,
      ...settings
    },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const lines: Record<string, unknown>[] = []
  const watchers = new Set<(line: Record<string, unknown>) => void>()
  let output = ''
  child.stderr.on('data', (chunk) => {
    output += chunk
  })
  createInterface({ input: child.stdout }).on('line', (text) => {
    output += `${text}\n`
    const line = parseLine(text)
    lines.push(line)
    for (const watch of watchers) watch(line)
  })
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  })

  return {
    process: child,
    lines,
    output: () => output,
    line(matches) {
      const past = lines.find(matches)
      if (past !== undefined) return Promise.resolve(past)
      return new Promise((resolve) => {
        watchers.add(function watch(line) {
          if (!matches(line)) return
          watchers.delete(watch)
          resolve(line)
        })
      })
    },
    async stop(signal = 'SIGTERM') {
      if (child.exitCode !== null) return child.exitCode
      if (child.signalCode !== null) return child.signalCode
      const exit = once(child, 'exit')
      child.kill(signal)
      const [code, killedBy] = await exit
      return code ?? killedBy
    }
  }
}

function parseLine(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text)
  } catch {
    return { msg: text }
  }
}
