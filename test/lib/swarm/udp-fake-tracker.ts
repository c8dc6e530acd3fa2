/** A UDP tracker on a real socket that answers what the test says. */
import { createSocket, type RemoteInfo } from 'node:dgram'
import { once } from 'node:events'
import type t from 'tap'

export interface Datagram {
  readonly kind: 'connect' | 'announce'
  readonly transaction: Buffer
  readonly connectionId: string
  readonly event: number
  readonly left: number
  readonly infoHash: string
  readonly path: string
  readonly from: RemoteInfo
}

/** What to send back: action and body; undefined says nothing. */
export type Answer = { readonly action: number; readonly body: Buffer } | undefined

export const CONNECTED = (id = '0102030405060708'): Answer => ({
  action: 0,
  body: Buffer.from(id, 'hex')
})

export function announced(interval: number, peers: Uint8Array = Buffer.alloc(0)): Answer {
  const head = Buffer.alloc(12)
  head.writeUInt32BE(interval, 0)
  return { action: 1, body: Buffer.concat([head, peers]) }
}

export const refused = (reason: string): Answer => ({ action: 3, body: Buffer.from(reason) })

type Tap = Pick<typeof t, 'teardown'>

export async function openUdpTracker(
  tap: Tap,
  answer: (asked: Datagram, send: (answer: Answer) => void) => Answer,
  { host = '127.0.0.1', port = 0 } = {}
) {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  const asked: Datagram[] = []
  const checks = new Set<() => void>()
  socket.on('message', (message, from) => {
    const datagram = parse(message, from)
    asked.push(datagram)
    const send = (said: Answer) => {
      if (said === undefined) return
      const action = Buffer.alloc(4)
      action.writeUInt32BE(said.action)
      socket.send(Buffer.concat([action, datagram.transaction, said.body]), from.port, from.address)
    }
    send(answer(datagram, send))
    for (const check of [...checks]) check()
  })
  socket.bind(port, host)
  await once(socket, 'listening')
  tap.teardown(() => void socket.close())

  function until(test: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (!test()) return
        checks.delete(check)
        resolve()
      }
      checks.add(check)
      check()
    })
  }

  const bound = socket.address().port
  const kinds = () => asked.map(({ kind }) => kind)
  const events = () => asked.flatMap(({ kind, event }) => (kind === 'announce' ? [event] : []))
  const authority = host.includes(':') ? `[${host}]` : host
  return {
    url: `udp://${authority}:${bound}/announce`,
    port: bound,
    asked,
    kinds,
    events,
    until,
    socket
  }
}

/** One tracker in both families: 127.0.0.1 and ::1, on the same port. */
export async function openUdpTrackers(
  tap: Tap,
  ofFour: Parameters<typeof openUdpTracker>[1],
  ofSix: Parameters<typeof openUdpTracker>[1]
) {
  for (;;) {
    const four = await openUdpTracker(tap, ofFour)
    const place = { host: '::1', port: four.port }
    const six = await openUdpTracker(tap, ofSix, place).catch(unlessTaken)
    if (six !== undefined) return [four, six] as const
  }
}

/** Another process may have the same port in the other family: then another pair is tried. */
export function unlessTaken(err: unknown): undefined {
  if (!(err instanceof Error && 'code' in err && err.code === 'EADDRINUSE')) throw err
}

function parse(message: Buffer, from: RemoteInfo): Datagram {
  const isConnect = message.readUInt32BE(8) === 0
  return {
    kind: isConnect ? 'connect' : 'announce',
    transaction: Buffer.from(message.subarray(12, 16)),
    connectionId: message.toString('hex', 0, 8),
    event: isConnect ? 0 : message.readUInt32BE(80),
    left: isConnect ? 0 : Number(message.readBigUInt64BE(64)),
    infoHash: isConnect ? '' : message.toString('hex', 16, 36),
    path: isConnect ? '' : message.toString('latin1', 100),
    from
  }
}
