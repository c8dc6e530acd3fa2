/**
 * A client that asks as fast as it is answered: many keep-alive connections, one request at a time
 * on each, over bare sockets so that the client costs little beside what it measures.
 */
import { connect, type Socket } from 'node:net'

export interface Load {
  readonly url: string
  readonly connections: number
  readonly seconds: number
  /** Method and header lines of the next request, without the Host. */
  readonly request: () => { readonly method: string; readonly headers?: string }
}

export interface LoadResult {
  readonly requestsPerSecond: number
  readonly bytesPerSecond: number
  /** 99th percentile of the time from a request to the last byte of its answer. */
  readonly p99Ms: number
}

const HEAD_END = Buffer.from('\r\n\r\n')

/** Rejects at the first answer that is an error: a fast refusal is no speed. */
export async function runLoad(load: Load): Promise<LoadResult> {
  const began = performance.now()
  const until = began + load.seconds * 1000
  const lanes = await Promise.all(
    Array.from({ length: load.connections }, () => drive(load, until))
  )
  const took = (performance.now() - began) / 1000
  const times = lanes.flatMap((lane) => lane.times).toSorted((a, b) => a - b)
  return {
    requestsPerSecond: times.length / took,
    bytesPerSecond: lanes.reduce((sum, { bytes }) => sum + bytes, 0) / took,
    p99Ms: times[Math.floor(times.length * 0.99)] ?? Number.NaN
  }
}

/** One connection, from its first request to the first that would begin after `until`. */
function drive({ url, request }: Load, until: number) {
  const { hostname, port, pathname, host } = new URL(url)
  const { promise, resolve, reject } = Promise.withResolvers<{ times: number[]; bytes: number }>()
  const times: number[] = []
  let bytes = 0
  let head: Buffer = Buffer.alloc(0)
  /** Bytes of the body that are still to come; -1 while the head is. */
  let left = -1
  let method = ''
  let askedAt = 0
  const socket: Socket = connect(Number(port), hostname)

  function ask(): void {
    askedAt = performance.now()
    if (askedAt >= until) {
      resolve({ times, bytes })
      return void socket.end()
    }
    const next = request()
    method = next.method
    const lines = `${method} ${pathname} HTTP/1.1\r\nHost: ${host}\r\n${next.headers ?? ''}\r\n`
    socket.write(lines)
  }

  function readHead(chunk: Buffer): void {
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk])
    const end = head.indexOf(HEAD_END)
    if (end < 0) return
    const text = head.toString('latin1', 0, end)
    const status = Number(text.slice(9, 12))
    if (status >= 400) reject(new Error(text))
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? 0)
    const expected = method === 'HEAD' || status === 304 ? 0 : length
    left = expected - (head.length - end - HEAD_END.length)
    head = Buffer.alloc(0)
  }

  socket.setNoDelay(true).on('connect', ask).on('error', reject)
  socket.on('close', () => reject(new Error(`${host} closed the connection`)))
  socket.on('data', (chunk) => {
    bytes += chunk.length
    if (left < 0) readHead(chunk)
    else left -= chunk.length
    if (left !== 0) return
    left = -1
    times.push(performance.now() - askedAt)
    ask()
  })
  return promise
}
