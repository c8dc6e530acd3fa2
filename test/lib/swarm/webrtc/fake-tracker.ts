/** A WebSocket tracker that says exactly what a test wants, however wrong. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Test } from 'tap'
import { type WebSocket, WebSocketServer } from 'ws'

export interface FakeLink {
  send(message: unknown): void
  sendText(text: string): void
  /** The next message that was not taken yet. */
  next(): Promise<Record<string, unknown>>
  readonly closed: Promise<void>
}

export interface FakeTracker {
  readonly url: string
  /** The next socket somebody opens. */
  link(): Promise<FakeLink>
}

export async function openFakeTracker(t: Test): Promise<FakeTracker> {
  const sockets = queue<WebSocket>()
  const open = new Set<WebSocket>()
  const upgrader = new WebSocketServer({
    noServer: true,
    maxPayload: 1024 * 1024,
    perMessageDeflate: false,
    clientTracking: false
  })
  const server = createServer()
  server.on('upgrade', (request, socket, head) => {
    upgrader.handleUpgrade(request, socket, head, (opened) => {
      open.add(opened)
      sockets.put(opened)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of open) socket.terminate()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `ws://127.0.0.1:${port}/announce`,
    link: async () => linkOf(await sockets.next())
  }
}

function linkOf(socket: WebSocket): FakeLink {
  const messages = queue<Record<string, unknown>>()
  socket.on('message', (data) => messages.put(JSON.parse(data.toString())))
  socket.on('error', () => {})
  return {
    send: (message) => socket.send(JSON.stringify(message)),
    sendText: (text) => socket.send(text),
    next: messages.next,
    closed: new Promise((resolve) => socket.on('close', resolve))
  }
}

/** Values in the order they come, for whoever asks. */
function queue<T>(): { put(value: T): void; next(): Promise<T> } {
  const arrived: T[] = []
  const waiting: ((value: T) => void)[] = []
  return {
    put(value) {
      const taker = waiting.shift()
      if (taker === undefined) arrived.push(value)
      else taker(value)
    },
    next() {
      const value = arrived.shift()
      if (value !== undefined) return Promise.resolve(value)
      return new Promise((resolve) => waiting.push(resolve))
    }
  }
}
