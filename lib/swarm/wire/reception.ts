/**
 * Connections others open, until their handshake is done.
 *
 * Each has a deadline for its handshake and few bytes to spend before it; what is no handshake is
 * closed at its first wrong byte. Browsers' connections come from our own WebRTC process over a
 * listener of their own, with a preamble that says who is behind them.
 */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { PREAMBLE_BYTES, parsePreamble } from '../webrtc/preamble.ts'
import type { Guest } from './connections.ts'
import { createGreeting } from './greeting.ts'
import type { TheirHandshake } from './handshake.ts'
import type { PeerStream, PeerStreamEvents } from './peer-stream.ts'
import { acceptTcp, remoteOf, type StreamOrigin } from './tcp-stream.ts'

const HANDSHAKE_MS = 5000
const BACKLOG = 1024

export interface Arrival {
  readonly stream: PeerStream
  readonly their: TheirHandshake
  /** What came behind the handshake: a copy. The stream is paused. */
  readonly rest: Uint8Array
  /** It ended meanwhile: nothing will be told of it. */
  readonly gone: boolean
  /** Hands the stream over: from now on it tells these, from the first byte after `rest`. */
  tell(events: PeerStreamEvents): void
}

export interface ReceptionDeps {
  /** Counts a connection; false when it must be refused. */
  readonly greet: (guest: Guest) => boolean
  /** It has been taken, or it ended. May be called twice. */
  readonly greeted: (guest: Guest) => void
  /** Resolves when it has been taken or turned away: until then it counts as being greeted. */
  readonly arrived: (arrival: Arrival) => Promise<void>
}

export interface Reception {
  readonly port: number
  /** Resolves when no connection is in its handshake any more and the port is free. */
  close(): Promise<void>
}

/**
 * Rejects when the port cannot be had.
 * @param port 0 takes a free one
 * @param relayToken each connection begins with a preamble that holds it (`webrtc/preamble.ts`)
 */
export async function openReception(
  host: string,
  port: number,
  deps: ReceptionDeps,
  relayToken?: Uint8Array
): Promise<Reception> {
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true, highWaterMark: 256 * 1024 }, (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    if (relayToken === undefined) receive(socket, deps, remoteOf(socket))
    else readPreamble(socket, relayToken, deps)
  })
  const bound = await listen(server, host, port)

  return {
    port: bound,
    async close() {
      for (const socket of sockets) socket.destroy()
      if (!server.listening) return
      server.close()
      await once(server, 'close')
    }
  }
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  server.listen({ host, port, backlog: BACKLOG })
  await once(server, 'listening')
  // A connection that cannot be accepted (no descriptor left) is its client's trouble alone.
  server.on('error', () => {})
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : port
}

/** Who is behind a connection of our WebRTC process; anybody else's is closed. */
function readPreamble(socket: Socket, token: Uint8Array, deps: ReceptionDeps): void {
  const deadline = setTimeout(() => socket.destroy(), HANDSHAKE_MS)
  socket.on('error', () => socket.destroy())
  socket.once('close', () => clearTimeout(deadline))
  socket.on('readable', function read() {
    const bytes: Buffer | null = socket.read(PREAMBLE_BYTES)
    if (bytes === null) return
    socket.off('readable', read)
    clearTimeout(deadline)
    const remote = parsePreamble(bytes, token)
    if (remote === undefined) socket.destroy()
    else receive(socket, deps, { ...remote, transport: 'webrtc' })
  })
}

function receive(socket: Socket, deps: ReceptionDeps, origin: StreamOrigin): void {
  const greeting = createGreeting()
  let events: PeerStreamEvents | undefined
  let gone = false
  const stream = acceptTcp(socket, origin, {
    onData: (bytes) => (events === undefined ? greet(bytes) : events.onData(bytes)),
    onDrain: () => events?.onDrain(),
    onClose(reason) {
      gone = true
      clearTimeout(deadline)
      deps.greeted(stream)
      events?.onClose(reason)
    }
  })
  const deadline = setTimeout(() => stream.destroy(), HANDSHAKE_MS)
  if (deps.greet(stream)) stream.resume()
  else stream.destroy()

  function greet(bytes: Uint8Array): void {
    const done = tryPush(bytes)
    if (done === undefined) return
    stream.pause()
    clearTimeout(deadline)
    const arrival: Arrival = {
      stream,
      their: done.their,
      rest: Uint8Array.from(done.rest),
      get gone() {
        return gone
      },
      tell(next) {
        events = next
      }
    }
    void deps.arrived(arrival).finally(() => deps.greeted(stream))
  }

  function tryPush(bytes: Uint8Array) {
    try {
      return greeting.push(bytes)
    } catch {
      stream.destroy()
      return undefined
    }
  }
}
