/**
 * The webtorrent client of one engine: bound to one address, with every way to find peers off.
 *
 * An accept that fails (no descriptors left) is trouble, not the end: webtorrent would destroy
 * the client. Nagle's delay is off for incoming connections; a block's round trip is 43 ms with it.
 */
import type { Socket } from 'node:net'
import WebTorrent from 'webtorrent'
import type { EngineConfig } from '../contract.ts'
import { guardWires } from './wire-guard.ts'

/** Resolves once the client listens; rejects when it cannot. */
export async function openClient(
  config: EngineConfig,
  onTrouble: (message: string) => void
): Promise<WebTorrent> {
  guardWires()
  const client = new WebTorrent({
    torrentPort: { host: config.host, port: config.port },
    maxConns: config.maxPeersPerTorrent,
    secure: 0,
    utPex: true,
    dht: false,
    lsd: false,
    tracker: false,
    natUpnp: false,
    natPmp: false,
    utp: false,
    webSeeds: false
  })
  await listening(client)
  client.on('error', (err: Error) => onTrouble(`client: ${err.message}`))
  const { tcpServer, _onTCPError } = client._connPool
  tcpServer.removeListener('error', _onTCPError)
  tcpServer.on('error', (err: Error) => onTrouble(`listener: ${err.message}`))
  tcpServer.on('connection', (socket: Socket) => socket.setNoDelay(true))
  tcpServer.maxConnections = config.maxPeers
  return client
}

function listening(client: WebTorrent): Promise<void> {
  if (client.listening) return Promise.resolve()
  return new Promise((resolve, reject) => {
    client.once('listening', () => {
      client.removeListener('error', reject)
      resolve()
    })
    client.once('error', reject)
  })
}

/** Resolves when the client has let go of its port. */
export function closeClient(client: WebTorrent): Promise<void> {
  return new Promise((resolve) => client.destroy(() => resolve()))
}
