/** A raw UDP client of the tracker (BEP 15), one datagram and one answer at a time. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { Test } from 'tap'

export interface UdpPeer {
  /** Sends a datagram and waits for the next one. */
  ask(message: Buffer): Promise<Buffer>
  /** Sends and waits only until it left. */
  send(message: Buffer): Promise<void>
  /** A connection id. */
  connect(): Promise<Buffer>
}

const PROTOCOL_ID = Buffer.from('0000041727101980', 'hex')

export async function openUdpPeer(
  t: Test,
  port: number,
  options: { host?: string; localAddress?: string } = {}
): Promise<UdpPeer> {
  const { host = '127.0.0.1', localAddress = host } = options
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  t.teardown(() => socket.close())
  socket.bind(0, localAddress)
  await once(socket, 'listening')

  async function send(message: Buffer): Promise<void> {
    await new Promise((resolve) => socket.send(message, port, host, resolve))
  }

  async function ask(message: Buffer): Promise<Buffer> {
    const answered = once(socket, 'message')
    await send(message)
    const [answer] = await answered
    return answer
  }

  async function connect(): Promise<Buffer> {
    const answer = await ask(header(PROTOCOL_ID, 0, 7))
    return answer.subarray(8, 16)
  }

  return { ask, send, connect }
}

export function header(connectionId: Buffer, action: number, transactionId: number): Buffer {
  const bytes = Buffer.alloc(16)
  connectionId.copy(bytes)
  bytes.writeUInt32BE(action, 8)
  bytes.writeUInt32BE(transactionId, 12)
  return bytes
}

export interface UdpAnnounce {
  readonly infoHash: string
  readonly port: number
  readonly left?: bigint
  readonly event?: number
  readonly numwant?: number
  readonly ip?: string
  /** BEP 41 options. */
  readonly options?: Buffer
}

/** The 98 bytes of an announce, and its options. */
export function announceDatagram(connectionId: Buffer, announce: UdpAnnounce): Buffer {
  const bytes = Buffer.alloc(98)
  header(connectionId, 1, 99).copy(bytes)
  bytes.write(announce.infoHash, 16, 'hex')
  bytes.write(`-XX0001-${String(announce.port).padStart(12, '0')}`, 36, 'latin1')
  bytes.writeBigUInt64BE(announce.left ?? 1n, 64)
  bytes.writeUInt32BE(announce.event ?? 0, 80)
  Buffer.from((announce.ip ?? '0.0.0.0').split('.').map(Number)).copy(bytes, 84)
  bytes.writeInt32BE(announce.numwant ?? -1, 92)
  bytes.writeUInt16BE(announce.port, 96)
  return Buffer.concat([bytes, announce.options ?? Buffer.alloc(0)])
}
