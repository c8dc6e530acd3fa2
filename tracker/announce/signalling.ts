/**
 * The WebSocket side of the tracker: sockets of WebTorrent peers, bounded in number, in message
 * size and in what may wait for a slow reader; a socket that stops answering pings is ended.
 *
 * A socket speaks for the peer id it used first. When it closes, its peer leaves every swarm.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Log } from '../../lib/process/service.ts'
import { parseAddress } from './address.ts'
import { Link } from './link.ts'
import type { AnnounceMetrics } from './metrics.ts'
import type { Shell } from './shell.ts'
import type { SwarmStore } from './swarm-store.ts'
import { parseWsMessage } from './ws-message.ts'

/** Twenty offers of the usual 2 KiB, with room. */
const MAX_MESSAGE_BYTES = 128 * 1024
const MAX_BUFFERED_BYTES = 1024 * 1024
const GOING_AWAY = 1001
const UNAVAILABLE = 'HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n'

export interface Signalling {
  /** Takes over a connection that asks for an upgrade, whatever its path. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Ends the sockets that were silent since the last call, and pings the others. */
  heartbeat(): void
  close(): Promise<void>
}

export function createSignalling(
  config: { readonly maxSockets: number },
  deps: {
    readonly shell: Shell
    readonly store: Pick<SwarmStore, 'drop'>
    readonly metrics: AnnounceMetrics
    readonly log: Log
  }
): Signalling {
  const { shell, store, metrics, log } = deps
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    clientTracking: false
  })
  /** Every open socket, and whether it was heard since the last heartbeat. */
  const heard = new Map<WebSocket, boolean>()
  let closing = false

  function handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', (err) => log.debug({ err }, 'signalling connection failed'))
    const { remoteAddress, remotePort = 0 } = request.socket
    const address = parseAddress(remoteAddress)
    if (address === undefined || remoteAddress === undefined) {
      // The client is gone already.
      socket.destroy()
    } else if (closing || heard.size >= config.maxSockets) {
      socket.end(UNAVAILABLE, () => socket.destroy())
    } else {
      server.handleUpgrade(request, socket, head, (opened) => {
        open(opened, { address, text: remoteAddress, port: remotePort })
      })
    }
  }

  function open(socket: WebSocket, remote: ConstructorParameters<typeof Link>[0]): void {
    heard.set(socket, true)
    const link = new Link(remote, (text) => transmit(socket, text))
    shell.onWebSocketConnection(link)
    socket.on('message', (data) => {
      heard.set(socket, true)
      receive(link, data.toString())
    })
    socket.on('pong', () => heard.set(socket, true))
    socket.on('error', (err) => log.debug({ err }, 'signalling socket failed'))
    socket.on('close', () => {
      heard.delete(socket)
      store.drop(link)
      link.emit('close')
    })
  }

  function receive(link: Link, text: string): void {
    const request = parseWsMessage(text, link)
    if (request.kind === 'invalid') {
      refuse(link, request.reason)
    } else if (request.kind === 'announce' && !link.mayActFor(request.peerId)) {
      refuse(link, 'this socket acts for another peer_id')
    } else {
      shell.serveLink(request, link)
    }
  }

  function refuse(link: Link, reason: string): void {
    metrics.invalid('ws', link.address.family)
    link.send(JSON.stringify({ action: 'announce', 'failure reason': reason }))
  }

  function heartbeat(): void {
    for (const [socket, alive] of heard) {
      if (!alive) socket.terminate()
      else {
        heard.set(socket, false)
        socket.ping()
      }
    }
  }

  async function close(): Promise<void> {
    closing = true
    server.close()
    for (const socket of [...heard.keys()]) {
      socket.close(GOING_AWAY, 'shutting down')
      socket.terminate()
    }
  }

  return { handleUpgrade, heartbeat, close }
}

function transmit(socket: WebSocket, text: string): void {
  if (socket.readyState !== 1) return
  if (socket.bufferedAmount > MAX_BUFFERED_BYTES) socket.terminate()
  else socket.send(text)
}
