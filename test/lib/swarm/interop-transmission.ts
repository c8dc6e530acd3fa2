/**
 * transmission-daemon, told over its RPC.
 *
 * It takes no peer on a loopback address, so everything listens on own addresses of the machine.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort, without } from '../../system/clients.ts'
import { eventually } from '../../system/publish.ts'
import { type InteropClient, ownAddress, startChild } from './interop-client.ts'

const SETTINGS = {
  'dht-enabled': false,
  'lpd-enabled': false,
  'pex-enabled': false,
  'utp-enabled': false,
  'port-forwarding-enabled': false,
  'download-queue-enabled': false,
  'rpc-bind-address': '127.0.0.1'
}

export const transmission: InteropClient = {
  name: 'transmission',
  skip:
    without('transmission-daemon') ||
    (ownAddress('IPv4') === undefined && 'this machine has no address but its loopback'),
  host: ownAddress,
  async start(t, folder) {
    const [rpc, wire] = [await freePort(), await freePort()]
    const settings = { ...SETTINGS, 'rpc-port': rpc, 'peer-port': wire, 'download-dir': folder }
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'settings.json'), JSON.stringify(settings))
    startChild(t, 'transmission-daemon', ['--foreground', '--config-dir', folder]).stdout?.resume()
    const session = await eventually(() => sessionOf(rpc).catch(() => undefined))
    return {
      async add(source, dir) {
        const what =
          'magnet' in source
            ? { filename: source.magnet }
            : { metainfo: Buffer.from(source.torrent).toString('base64') }
        await addTorrent(rpc, session, { ...what, 'download-dir': dir })
      }
    }
  }
}

/** The token that every call needs, which the first refusal names. */
async function sessionOf(port: number): Promise<string | undefined> {
  const response = await fetch(`http://127.0.0.1:${port}/transmission/rpc`, { method: 'POST' })
  await response.text()
  return response.headers.get('x-transmission-session-id') ?? undefined
}

async function addTorrent(port: number, session: string, what: object): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/transmission/rpc`, {
    method: 'POST',
    headers: { 'x-transmission-session-id': session },
    body: JSON.stringify({ method: 'torrent-add', arguments: what })
  })
  const text = await response.text()
  if (!/"result":"success"/.test(text)) throw new Error(`transmission: ${text}`)
}
