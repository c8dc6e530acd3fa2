/**
 * Containers of one trial: made from the project's own image, on a network of their own, removed
 * by their names at the end. Speaks the command line that docker and podman share.
 */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const HEALTHY_WITHIN_MS = 90_000

export interface Fleet {
  /** Builds the image from the repository's Dockerfile. */
  build(context: string): Promise<void>
  /** Starts a container; it is reachable by `name` on the network. Resolves when it is healthy. */
  start(name: string, role: string, env?: Readonly<Record<string, string>>): Promise<void>
  /** `http://127.0.0.1:port` of a port published on the host. */
  url(name: string, port: number): Promise<string>
  logs(name: string): Promise<string>
  /** Runs Node in the container; resolves with what it printed. */
  evaluate(name: string, script: string): Promise<string>
  kill(name: string): Promise<void>
  /** Sends SIGTERM and resolves with the exit code. */
  stop(name: string): Promise<number>
  remove(): Promise<void>
}

/** @param cli `docker`, `podman`, or a script that takes their arguments */
export async function createFleet(cli: string): Promise<Fleet> {
  const id = `swarmgate-test-${randomBytes(4).toString('hex')}`
  const secret = randomBytes(32).toString('hex')
  const started: string[] = []
  const containers = async (...args: string[]) => {
    const { stdout, stderr } = await run(cli, args, { maxBuffer: 2 ** 26 })
    return { stdout: stdout.trim(), both: stdout + stderr }
  }
  const podman = /podman/i.test((await containers('--version')).stdout)
  await containers('network', 'create', id)

  /** podman runs no checks by itself where there is no systemd. */
  async function isHealthy(container: string): Promise<boolean> {
    if (podman)
      return containers('healthcheck', 'run', container).then(
        () => true,
        () => false
      )
    const format = '{{.State.Health.Status}}'
    return (await containers('inspect', '--format', format, container)).stdout === 'healthy'
  }

  async function logs(name: string): Promise<string> {
    return (await containers('logs', `${id}-${name}`)).both
  }

  return {
    async build(context) {
      const format = podman ? ['--format', 'docker'] : []
      await containers('build', ...format, '-t', id, context)
    },

    async start(name, role, env = {}) {
      const container = `${id}-${name}`
      const shared = {
        SWARMGATE_CLUSTER_SECRET: secret,
        SWARMGATE_TRACKER_URL: 'http://tracker:8000'
      }
      const variables = Object.entries({ ...shared, ...env }).map(
        ([key, value]) => `${key}=${value}`
      )
      const options = variables.flatMap((variable) => ['-e', variable])
      const network = ['--network', id, '--network-alias', name, '-p', '127.0.0.1::8080']
      started.push(container)
      await containers('run', '-d', '--name', container, ...network, ...options, id, role)
      await until(`${name} is healthy`, HEALTHY_WITHIN_MS, () => isHealthy(container)).catch(
        async (err) => {
          throw new Error(`${err.message}\n${await logs(name)}`, { cause: err })
        }
      )
    },

    async url(name, port) {
      const { stdout } = await containers('port', `${id}-${name}`, String(port))
      return `http://${stdout.split('\n')[0]}`
    },

    logs,

    async evaluate(name, script) {
      return (await containers('exec', `${id}-${name}`, 'node', '-e', script)).stdout
    },

    async kill(name) {
      await containers('kill', '-s', 'KILL', `${id}-${name}`)
    },

    async stop(name) {
      const container = `${id}-${name}`
      await containers('stop', '-t', '45', container)
      const format = '{{.State.ExitCode}}'
      return Number((await containers('inspect', '--format', format, container)).stdout)
    },

    async remove() {
      for (const container of started.toReversed()) {
        await containers('rm', '-f', '-v', container).catch(reportFailure)
      }
      await containers('network', 'rm', id).catch(reportFailure)
      await containers('rmi', '-f', id).catch(reportFailure)
    }
  }
}

function reportFailure(err: Error): void {
  console.error(err.message)
}

/** Asks again, every half second, until it is so; throws after `withinMs`. */
export async function until(
  what: string,
  withinMs: number,
  isSo: () => Promise<boolean>
): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`)
    await delay(500)
  }
}
