/** What an engine has for channels: a loopback listener whose connections begin with a preamble. */
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import type { Test } from 'tap'
import {
  PREAMBLE_BYTES,
  parsePreamble,
  type RemotePeer
} from '../../../../lib/swarm/webrtc/preamble.ts'

export interface LocalConnection {
  readonly socket: Socket
  /** Undefined when the preamble was not ours. */
  readonly remote: RemotePeer | undefined
}

export interface LocalWire {
  readonly port: number
  /** The next connection that was not taken yet. */
  next(): Promise<LocalConnection>
}

export async function listenLocal(t: Test, token: Uint8Array): Promise<LocalWire> {
  const sockets = new Set<Socket>()
  const arrived: LocalConnection[] = []
  const waiting: ((connection: LocalConnection) => void)[] = []
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
    void greet(socket)
  })

  async function greet(socket: Socket): Promise<void> {
    let bytes: Buffer | null = null
    while (bytes === null) {
      await once(socket, 'readable')
      bytes = socket.read(PREAMBLE_BYTES)
    }
    const connection = { socket, remote: parsePreamble(bytes, token) }
    const taker = waiting.shift()
    if (taker === undefined) arrived.push(connection)
    else taker(connection)
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    next() {
      const connection = arrived.shift()
      if (connection !== undefined) return Promise.resolve(connection)
      return new Promise((resolve) => waiting.push(resolve))
    }
  }
}
