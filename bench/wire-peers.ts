/** Other BitTorrent clients as processes that seed or leech one torrent, for comparison. */
import { execFileSync } from 'node:child_process'
import { pythonWith } from '../test/system/clients.ts'
import { type LineProcess, startLineProcess } from './line-process.ts'
import type { BenchOwner } from './owner.ts'

export interface WireSeeder {
  readonly pid: number
  /** `host:port`. */
  readonly address: string
}

export interface WireClient {
  readonly name: string
  /** Resolves when it has checked the files in `folder` and takes peers. */
  seed(owner: BenchOwner, torrent: string, folder: string): Promise<WireSeeder>
  /** A leecher that waits for the word to start. */
  leech(owner: BenchOwner, torrent: string, folder: string, peer: string): Promise<WireLeecher>
}

export interface WireLeecher {
  readonly pid: number
  /** Seconds until every piece was verified and written. */
  run(): Promise<number>
}

interface Answer {
  readonly port?: number
  readonly seconds?: number
}

/** Its name and version; undefined where no Python has it. */
export function libtorrentVersion(): string | undefined {
  const python = pythonWith('libtorrent')
  if (python === undefined) return undefined
  const print = 'import libtorrent; print(libtorrent.__version__)'
  return `libtorrent ${execFileSync(python, ['-c', print]).toString().trim()}`
}

/** Undefined where no Python has it. */
export function libtorrent(): WireClient | undefined {
  const python = pythonWith('libtorrent')
  const script = new URL('./libtorrent-peer.py', import.meta.url).pathname
  return python === undefined ? undefined : client('libtorrent', python, script)
}

export function webtorrent(): WireClient {
  const script = new URL('./webtorrent-peer.mjs', import.meta.url).pathname
  return client('webtorrent', process.execPath, script)
}

function client(name: string, command: string, script: string): WireClient {
  async function launch(owner: BenchOwner, ...args: readonly string[]) {
    const child: LineProcess<Answer> = startLineProcess(owner, command, [script, ...args])
    const first = await child.next()
    return { child, first }
  }

  return {
    name,
    async seed(owner, torrent, folder) {
      const { child, first } = await launch(owner, 'seed', torrent, folder)
      return { pid: child.pid, address: `127.0.0.1:${first.port}` }
    },
    async leech(owner, torrent, folder, peer) {
      const { child } = await launch(owner, 'leech', torrent, folder, peer)
      return {
        pid: child.pid,
        async run() {
          child.say({ start: true })
          return (await child.next()).seconds ?? Number.NaN
        }
      }
    }
  }
}
