/** aria2c as a daemon that is told over JSON-RPC. */
import { freePort, without } from '../../system/clients.ts'
import { eventually } from '../../system/publish.ts'
import { type InteropClient, loopback, startChild } from './interop-client.ts'

const OPTIONS = [
  ...['--no-conf', '--quiet', '--enable-rpc', '--rpc-listen-all=false'],
  ...['--check-integrity=true', '--file-allocation=none', '--seed-ratio=0.0'],
  ...['--enable-dht=false', '--enable-dht6=false', '--bt-enable-lpd=false'],
  ...['--enable-peer-exchange=false', '--max-concurrent-downloads=50', '--follow-torrent=mem']
]

export const aria2: InteropClient = {
  name: 'aria2',
  skip: without('aria2c'),
  host: loopback,
  async start(t, folder) {
    const [rpc, wire] = [await freePort(), await freePort()]
    const ports = [`--rpc-listen-port=${rpc}`, `--listen-port=${wire}`]
    startChild(t, 'aria2c', [...OPTIONS, ...ports, `--dir=${folder}`])
    await eventually(() => call(rpc, 'getVersion', []).catch(() => undefined))
    return {
      async add(source, dir) {
        if ('magnet' in source) await call(rpc, 'addUri', [[source.magnet], { dir }])
        else {
          const torrent = Buffer.from(source.torrent).toString('base64')
          await call(rpc, 'addTorrent', [torrent, [], { dir }])
        }
      }
    }
  }
}

async function call(port: number, method: string, params: readonly unknown[]): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/jsonrpc`, {
    method: 'POST',
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: `aria2.${method}`, params })
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`aria2 ${method}: ${text}`)
  return text
}
