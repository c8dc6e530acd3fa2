/** webtorrent's own HTTP server and a seeder for it, as the torrent gateway to be compared with. */
import { type LineProcess, startLineProcess } from './line-process.ts'
import type { BenchOwner } from './owner.ts'

interface Answer {
  readonly port: number
  readonly torrents: readonly string[]
  readonly url: string
  readonly path: string
}

export interface ServerSeeder {
  /** `host:port` of its wire. */
  readonly address: string
  /** A .torrent of each file in base64, in the order of the files. */
  readonly torrents: readonly string[]
}

export interface TorrentServer {
  readonly pid: number
  /** Resolves with the URL of the torrent's only file; its peer is dialled, nothing is fetched. */
  add(torrent: string, peer: string): Promise<string>
  stop(): Promise<void>
}

export async function seedForServer(
  owner: BenchOwner,
  ...files: readonly string[]
): Promise<ServerSeeder> {
  const { port, torrents } = await launch(owner, 'seed', ...files).next()
  return { address: `127.0.0.1:${port}`, torrents }
}

export async function startTorrentServer(owner: BenchOwner): Promise<TorrentServer> {
  const child = launch(owner, 'serve', await owner.folder())
  const { url } = await child.next()
  return {
    pid: child.pid,
    async add(torrent, peer) {
      child.say({ torrent, peer })
      return url + (await child.next()).path
    },
    stop: child.stop
  }
}

function launch(owner: BenchOwner, ...args: readonly string[]): LineProcess<Answer> {
  const script = new URL('./webtorrent-server.mjs', import.meta.url).pathname
  return startLineProcess(owner, process.execPath, [script, ...args])
}
