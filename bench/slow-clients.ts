/** Clients that read a body at a steady slow rate, each on a connection of its own. */
import { connect, type Socket } from 'node:net'

export interface SlowClients {
  /** Bytes that each has read so far. */
  readonly bytes: readonly number[]
  close(): void
}

const TICK_MS = 100

/** Each asks for the file from a place of its own on, and reads `rate` bytes per second. */
export function startSlowClients(
  url: string,
  { count, rate, size }: { readonly count: number; readonly rate: number; readonly size: number }
): SlowClients {
  const { hostname, port, pathname, host } = new URL(url)
  const bytes = new Array<number>(count).fill(0)
  const began = performance.now()
  const due = () => ((performance.now() - began) / 1000) * rate

  const sockets = bytes.map((_, index): Socket => {
    const socket = connect(Number(port), hostname)
    const from = Math.floor((index / count) * size * 0.9)
    socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nRange: bytes=${from}-\r\n\r\n`)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      bytes[index] = (bytes[index] ?? 0) + chunk.length
      if ((bytes[index] ?? 0) > due()) socket.pause()
    })
    return socket
  })
  const ticking = setInterval(() => {
    for (const [index, socket] of sockets.entries()) {
      if (socket.isPaused() && (bytes[index] ?? 0) <= due()) socket.resume()
    }
  }, TICK_MS)

  return {
    bytes,
    close() {
      clearInterval(ticking)
      for (const socket of sockets) socket.destroy()
    }
  }
}
