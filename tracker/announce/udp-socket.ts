/**
 * The UDP side of the tracker: one socket, dual-stack when it is bound to `::`.
 *
 * A datagram without a connection id we issued to its sender gets no answer at all, so a forged
 * source address gains nothing. What is too short or of another protocol is ignored.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import type { Log } from '../../lib/process/service.ts'
import { type Address, parseAddress } from './address.ts'
import { ConnectionIds } from './connection-id.ts'
import type { AnnounceMetrics } from './metrics.ts'
import type { Shell } from './shell.ts'
import {
  ACTION,
  connectAnswer,
  errorAnswer,
  PROTOCOL_ID,
  parseUdpHeader,
  parseUdpRequest,
  type UdpHeader
} from './udp-packet.ts'

export interface UdpSocket {
  readonly port: number
  close(): Promise<void>
}

/**
 * @param host an address literal or a name; rejects when it cannot be bound
 * @param deps `now`: milliseconds of a clock that never goes back
 */
export async function openUdpSocket(
  { host, port }: { readonly host: string; readonly port: number },
  deps: {
    readonly shell: Shell
    readonly metrics: AnnounceMetrics
    readonly now: () => number
    readonly log: Log
  }
): Promise<UdpSocket> {
  const { shell, metrics, log } = deps
  const ids = new ConnectionIds(deps.now)
  const socket = await bind(host, port)
  socket.on('message', receive)
  socket.on('error', (err) => log.warn({ err }, 'tracker datagram socket failed'))
  const sink = {
    send: (message: Uint8Array, _offset: number, _length: number, to: number, address: string) =>
      send(message, { port: to, address })
  }
  shell.udp4 = sink
  shell.udp6 = sink
  let open = true

  function receive(message: Buffer, sender: RemoteInfo): void {
    const header = parseUdpHeader(message)
    const from = parseAddress(sender.address)
    if (header === undefined || from === undefined || sender.port === 0) return
    const { connectionId, action, transactionId } = header
    if (action === ACTION.connect) {
      if (!connectionId.equals(PROTOCOL_ID)) return
      send(connectAnswer(transactionId, ids.issue(from)), sender)
    } else if (ids.verify(connectionId, from)) {
      serve(message, header, from, sender)
    }
  }

  function serve(message: Buffer, header: UdpHeader, from: Address, sender: RemoteInfo): void {
    const request = parseUdpRequest(message, header, from)
    if (request.kind === 'invalid') {
      metrics.invalid('udp', from.family)
      send(errorAnswer(header.transactionId, request.reason), sender)
    } else {
      shell.serveUdp(request, header.transactionId, sender)
    }
  }

  function send(message: Uint8Array, to: { port: number; address: string }): void {
    if (!open) return
    socket.send(message, to.port, to.address, (err) => {
      if (err !== null) log.debug({ err }, 'tracker datagram not sent')
    })
  }

  async function close(): Promise<void> {
    if (!open) return
    open = false
    const closed = once(socket, 'close')
    socket.close()
    await closed
  }

  return { port: socket.address().port, close }
}

async function bind(host: string, port: number): Promise<Socket> {
  const { address, family } = await lookup(host)
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4')
  try {
    socket.bind(port, address)
    await once(socket, 'listening')
    return socket
  } catch (err) {
    socket.close()
    throw err
  }
}
