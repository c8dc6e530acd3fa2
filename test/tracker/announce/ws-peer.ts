/** A raw WebSocket client of the tracker: messages in the order they come. */
import type { Test } from 'tap'

export interface WsPeer {
  send(message: unknown): void
  sendText(text: string): void
  /** The next message that was not taken yet. */
  next(): Promise<Record<string, unknown>>
  /** Sends and takes the next message. */
  ask(message: unknown): Promise<Record<string, unknown>>
  readonly closed: Promise<unknown>
  close(): void
}

export async function openWsPeer(t: Test, port: number): Promise<WsPeer> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`)
  const arrived: Record<string, unknown>[] = []
  const waiting: ((message: Record<string, unknown>) => void)[] = []
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data))
    const taker = waiting.shift()
    if (taker === undefined) arrived.push(message)
    else taker(message)
  })
  const closed = new Promise((resolve) => {
    socket.addEventListener('close', resolve)
    socket.addEventListener('error', resolve)
  })
  t.teardown(() => socket.close())
  await opened(socket)

  function next(): Promise<Record<string, unknown>> {
    const message = arrived.shift()
    if (message !== undefined) return Promise.resolve(message)
    return new Promise((resolve) => waiting.push(resolve))
  }

  const sendText = (text: string) => socket.send(text)
  const send = (message: unknown) => sendText(JSON.stringify(message))
  function ask(message: unknown): Promise<Record<string, unknown>> {
    send(message)
    return next()
  }

  return { send, sendText, next, ask, closed, close: () => socket.close() }
}

/** Rejects when the upgrade is refused. */
function opened(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.addEventListener('open', () => resolve())
    socket.addEventListener('error', () => reject(new Error('no upgrade')))
  })
}

/** Twenty bytes as binary text. */
export function id20(text: string): string {
  return text.padEnd(20, '.')
}

export function binary(hex: string): string {
  return Buffer.from(hex, 'hex').toString('latin1')
}

export function announceMessage(infoHash: string, peerId: string, more: object = {}): object {
  const about = { action: 'announce', info_hash: binary(infoHash), peer_id: id20(peerId) }
  return { ...about, left: 1, event: 'started', offers: [], ...more }
}

export function offer(id: string): object {
  return { offer_id: id20(id), offer: { type: 'offer', sdp: `sdp of ${id}` } }
}
