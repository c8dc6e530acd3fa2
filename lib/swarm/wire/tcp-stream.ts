/**
 * Peer streams over TCP.
 *
 * Every connection is without Nagle's delay: a request that waits 40 ms for its ACK is slower than
 * the disk. Connections we open read into one buffer that all of them share: what arrives is parsed
 * before the next read, so nothing is allocated for it.
 */
import { connect, type Socket } from 'node:net'
import type { PeerStream, PeerStreamEvents } from './peer-stream.ts'

const READ_BYTES = 256 * 1024

/** Who is at the other end. */
export type StreamOrigin = Pick<PeerStream, 'host' | 'port' | 'transport'>

export interface TcpEvents extends PeerStreamEvents {
  /** The connection is made. */
  onOpen(): void
}

export interface TcpDialler {
  /** Connects; `onClose` tells if that fails or takes longer than `timeoutMs`. */
  dial(host: string, port: number, timeoutMs: number, events: TcpEvents): PeerStream
}

/** One for a thread: it owns the buffer that all its connections read into. */
export function createTcpDialler(): TcpDialler {
  const buffer = new Uint8Array(READ_BYTES)

  return {
    dial(host, port, timeoutMs, events) {
      const callback = (length: number, bytes: Uint8Array) => {
        events.onData(bytes.subarray(0, length))
        return true
      }
      const socket = connect({ host, port, noDelay: true, onread: { buffer, callback } })
      const stream = wrap(socket, { host, port, incoming: false, transport: 'tcp' }, events)
      socket.setTimeout(timeoutMs, () => socket.destroy(new Error('connecting took too long')))
      socket.once('connect', () => {
        socket.setTimeout(0)
        events.onOpen()
      })
      return stream
    }
  }
}

/**
 * A connection somebody else opened. Paused until `resume`.
 * @param origin who it comes from: the socket's other end, or who is behind it
 */
export function acceptTcp(
  socket: Socket,
  origin: StreamOrigin,
  events: PeerStreamEvents
): PeerStream {
  const stream = wrap(socket, { ...origin, incoming: true }, events)
  socket.setNoDelay(true)
  socket.on('data', (bytes: Buffer) => events.onData(bytes))
  socket.pause()
  return stream
}

/** The other end of a socket; an IPv4 address in IPv6 clothes is undressed. */
export function remoteOf(socket: Socket): StreamOrigin {
  const host = (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '')
  return { host, port: socket.remotePort ?? 0, transport: 'tcp' }
}

function wrap(
  socket: Socket,
  origin: Pick<PeerStream, 'host' | 'port' | 'incoming' | 'transport'>,
  events: PeerStreamEvents
): PeerStream {
  let reason = 'the peer closed the connection'
  socket.on('error', (err) => {
    reason = err.message
  })
  socket.on('drain', () => events.onDrain())
  socket.once('close', () => events.onClose(reason))
  return {
    ...origin,
    get unsentBytes() {
      return socket.writableLength
    },
    write: (bytes, done) => void socket.write(bytes, done && (() => done())),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    destroy: () => void socket.destroy()
  }
}
