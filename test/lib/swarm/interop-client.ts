/** Another BitTorrent client as a child process, behind one small interface. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import type { Test } from 'tap'
import { NEEDS_IPV6 } from '../../fakes/ipv6.ts'

/** A .torrent file's bytes, or a magnet link. */
export type Source = { readonly torrent: Uint8Array } | { readonly magnet: string }

export interface RunningClient {
  /** Fetches what is missing in `folder`, then seeds. What lies there already is checked first. */
  add(source: Source, folder: string): Promise<void>
}

export interface InteropClient {
  readonly name: string
  /** Why its tests are skipped; false when it is on this machine. */
  readonly skip: string | false
  /** An address of this machine that the client takes peers on; undefined: none. */
  host(family: 'IPv4' | 'IPv6'): string | undefined
  /** Runs until the test's end; `folder` is its own. */
  start(t: Test, folder: string): Promise<RunningClient>
}

export function loopback(family: 'IPv4' | 'IPv6'): string | undefined {
  if (family === 'IPv4') return '127.0.0.1'
  return NEEDS_IPV6.skip ? undefined : '::1'
}

/** An address of this machine that is neither loopback nor link-local. */
export function ownAddress(family: 'IPv4' | 'IPv6'): string | undefined {
  return Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find((own) => own.family === family && !own.internal && !/^fe80:/i.test(own.address))?.address
}

/** A child that is killed at teardown. Some spell file names in the locale, which may be "C". */
export function startChild(
  t: Pick<Test, 'teardown'>,
  command: string,
  args: readonly string[]
): ChildProcess {
  const env = { ...process.env, LC_ALL: 'C.UTF-8' }
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'], env })
  child.stdin?.on('error', () => {})
  t.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  return child
}

/** A program of ours around a library: takes one JSON object a line, and says nothing. */
export function startScripted(
  t: Pick<Test, 'teardown'>,
  command: string,
  args: readonly string[]
): RunningClient {
  const child = startChild(t, command, args)
  child.stdout?.resume()
  return {
    async add(source, folder) {
      const what =
        'magnet' in source ? source : { torrent: Buffer.from(source.torrent).toString('base64') }
      child.stdin?.write(`${JSON.stringify({ ...what, folder })}\n`)
    }
  }
}
