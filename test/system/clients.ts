/**
 * Outside clients as child processes: which of them this machine has, and running them.
 *
 * A test of a client that is missing says so and skips; nothing here waits for one for ever.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Owner } from './process.ts'

export interface Outcome {
  readonly code: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

/** How long a client may take on a starved machine before it counts as stuck. */
const PATIENCE_MS = 300_000

/** Why a test needs to be skipped: the client that is not on this machine; false when it is. */
export function without(...clients: readonly string[]): string | false {
  const missing = clients.filter((client) => !isInstalled(client))
  return missing.length > 0 && `${missing.join(', ')} not installed`
}

function isInstalled(client: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, client), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** A Python that has a module: the path's first, else the system's own. */
export function pythonWith(module: string): string | undefined {
  return ['python3', '/usr/bin/python3'].find(
    (python) => spawnSync(python, ['-c', `import ${module}`]).status === 0
  )
}

/** Runs a client to its end; killed at teardown, or when it seems stuck. */
export async function run(
  t: Owner,
  command: string,
  args: readonly string[],
  input?: Uint8Array
): Promise<Outcome> {
  const child = spawn(command, args, { stdio: 'pipe', timeout: PATIENCE_MS, killSignal: 'SIGKILL' })
  endWith(t, child)
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (chunk) => stdout.push(chunk))
  child.stderr.on('data', (chunk) => stderr.push(chunk))
  const [code] = await once(child, 'close')
  return { code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }
}

/** Starts a client that runs until the test's end. */
export function launchClient(t: Owner, command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { stdio: 'ignore' })
  endWith(t, child)
  return child
}

function endWith(t: Owner, child: ChildProcess): void {
  t.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
}

/** A port that was free a moment ago, for clients that cannot choose one. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** An IPv4 address of this machine that is not its loopback. */
export function ownAddress(): string | undefined {
  return Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address
}
