/**
 * A network with a round trip, on loopback: a TCP proxy that delays what it passes on and opens
 * its window slowly, per connection and direction.
 *
 * A client's connection is there after one round trip, so its first bytes leave then and arrive
 * half a trip later; every byte takes half a round trip, its acknowledgement the other half. An
 * idle connection keeps its window. Times come from one clock and are kept to a tenth of a
 * millisecond. Not modelled: loss, a limit of bandwidth, the handshake of TLS.
 */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { BenchOwner } from './owner.ts'
import { createRelayWindow } from './relay-window.ts'

export interface Relay {
  /** `host:port` to use in place of the target's. */
  readonly address: string
  /** Connections taken so far. */
  readonly connections: number
}

/** Held back per direction before the sender is paused, beyond what its window covers. */
const MAX_WAITING = 2 ** 22
/** A timer may be this late: what is due sooner is waited for by turning the loop. */
const TIMER_SLACK_MS = 2

/** Passes connections on to `target`, a `host:port`, as over a line with this round trip. */
export async function startRelay(
  owner: BenchOwner,
  target: string,
  roundTripMs: number
): Promise<Relay> {
  const { hostname, port } = new URL(`tcp://${target}`)
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    connections++
    join(client, { host: hostname, port: Number(port) })
  })
  owner.teardown(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  function join(client: Socket, target: { readonly host: string; readonly port: number }): void {
    const dialled = performance.now()
    const upstream = connect({ ...target, noDelay: true, allowHalfOpen: true })
    const line = createLine(roundTripMs / 2)
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client]
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        if (socket.destroyed && !socket.readableEnded) other.destroy()
      })
    }
    passOn(client, upstream, line, dialled + roundTripMs)
    passOn(upstream, client, line, dialled + roundTripMs * 1.5)
  }

  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the relay has no port')
  return {
    address: `127.0.0.1:${address.port}`,
    get connections() {
      return connections
    }
  }
}

/** One direction. Nothing leaves before `opensAt`. */
function passOn(from: Socket, to: Socket, line: Line, opensAt: number): void {
  const window = createRelayWindow()
  const waiting: Buffer[] = []
  let waitingBytes = 0
  let ended = false
  let open = false
  line.at(opensAt, () => {
    open = true
    pump()
  })
  from.on('data', (bytes: Buffer) => {
    waiting.push(bytes)
    waitingBytes += bytes.length
    if (waitingBytes > MAX_WAITING) from.pause()
    pump()
  })
  from.on('end', () => {
    ended = true
    pump()
  })

  function pump(): void {
    while (open && waiting.length > 0 && window.room > 0) send(take(window.room))
    if (waitingBytes <= MAX_WAITING) from.resume()
    if (!open || !ended || waiting.length > 0) return
    ended = false
    line.after(() => to.end())
  }

  function take(most: number): Buffer {
    const head = waiting[0] as Buffer
    const bytes = head.subarray(0, most)
    if (bytes.length === head.length) waiting.shift()
    else waiting[0] = head.subarray(most)
    waitingBytes -= bytes.length
    return bytes
  }

  function send(bytes: Buffer): void {
    window.sent(bytes.length)
    line.after(() => {
      if (to.destroyed) return
      // A receiver that does not read acknowledges nothing.
      to.write(bytes, () => line.after(() => acknowledge(bytes.length)))
    })
  }

  function acknowledge(bytes: number): void {
    window.acknowledged(bytes)
    pump()
  }
}

/** Runs things later, in their order. */
interface Line {
  /** Half a round trip from now. */
  after(act: () => void): void
  at(due: number, act: () => void): void
}

interface Act {
  readonly due: number
  readonly act: () => void
}

function createLine(delayMs: number): Line {
  const acts: Act[] = []
  let timer: NodeJS.Timeout | undefined
  let turn: NodeJS.Immediate | undefined

  function at(due: number, act: () => void): void {
    let place = acts.length
    while (place > 0 && (acts[place - 1] as Act).due > due) place--
    acts.splice(place, 0, { due, act })
    if (place === 0) wait()
  }

  function wait(): void {
    clearTimeout(timer)
    clearImmediate(turn)
    const [next] = acts
    if (next === undefined) return
    const left = next.due - performance.now()
    if (left > TIMER_SLACK_MS) timer = setTimeout(run, left - TIMER_SLACK_MS)
    else turn = setImmediate(run)
  }

  function run(): void {
    const now = performance.now()
    for (let next = acts[0]; next !== undefined && next.due <= now; next = acts[0]) {
      acts.shift()
      next.act()
    }
    wait()
  }

  return { after: (act) => at(performance.now() + delayMs, act), at }
}
