/** qbittorrent-nox, told over its Web API. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort, without } from '../../system/clients.ts'
import { eventually } from '../../system/publish.ts'
import { type InteropClient, loopback, type Source, startChild } from './interop-client.ts'

function settings(web: number, wire: number): string {
  return [
    '[LegalNotice]',
    'Accepted=true',
    '[BitTorrent]',
    `Session\\Port=${wire}`,
    'Session\\BTProtocol=TCP',
    'Session\\DHTEnabled=false',
    'Session\\LSDEnabled=false',
    'Session\\PeXEnabled=false',
    'Session\\QueueingSystemEnabled=false',
    'Session\\MultiConnectionsPerIp=true',
    'Session\\MaxActiveCheckingTorrents=20',
    '[Network]',
    'PortForwardingEnabled=false',
    '[Preferences]',
    `WebUI\\Port=${web}`,
    'WebUI\\Address=127.0.0.1',
    'WebUI\\LocalHostAuth=false',
    'WebUI\\CSRFProtection=false',
    'WebUI\\UseUPnP=false',
    ''
  ].join('\n')
}

export const qbittorrent: InteropClient = {
  name: 'qbittorrent',
  skip: without('qbittorrent-nox'),
  host: loopback,
  async start(t, folder) {
    const [web, wire] = [await freePort(), await freePort()]
    const config = join(folder, 'qBittorrent', 'config')
    await mkdir(config, { recursive: true })
    await writeFile(join(config, 'qBittorrent.conf'), settings(web, wire))
    startChild(t, 'qbittorrent-nox', [`--profile=${folder}`]).stdout?.resume()
    await eventually(() => version(web).catch(() => undefined))
    return { add: (source, dir) => add(web, source, dir) }
  }
}

async function version(port: number): Promise<string | undefined> {
  const response = await fetch(`http://127.0.0.1:${port}/api/v2/app/version`)
  const text = await response.text()
  return response.ok ? text : undefined
}

async function add(port: number, source: Source, dir: string): Promise<void> {
  const form = new FormData()
  if ('magnet' in source) form.set('urls', source.magnet)
  else form.set('torrents', new Blob([Buffer.from(source.torrent)]), 'file.torrent')
  form.set('savepath', dir)
  form.set('contentLayout', 'Original')
  const url = `http://127.0.0.1:${port}/api/v2/torrents/add`
  const response = await fetch(url, { method: 'POST', body: form })
  const text = await response.text()
  if (text !== 'Ok.') throw new Error(`qbittorrent: ${response.status} ${text}`)
}
