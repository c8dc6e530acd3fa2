/** A BitTorrent peer made of a socket: says exactly what a test wants, however wrong. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { encodeBencode } from '../../../core/bencode.ts'
import { type InfoHash, infoHashBytes } from '../../../core/info-hash.ts'

export interface Message {
  readonly id: number
  readonly body: Buffer
}

export const ID = {
  choke: 0,
  unchoke: 1,
  interested: 2,
  have: 4,
  bitfield: 5,
  request: 6,
  piece: 7
} as const
export const FAST = { haveAll: 14, haveNone: 15, reject: 16 } as const
export const EXTENDED = 20

/** One connection, after which the test owns every byte. */
export class RawPeer {
  readonly socket: Socket
  /** Resolves when the other side, or we, closed the connection. */
  readonly closed: Promise<void>
  readonly received: Message[] = []
  #buffer = Buffer.alloc(0)
  #greeted = false
  #checks = new Set<() => void>()
  readonly #infoHash: InfoHash

  constructor(socket: Socket, infoHash: InfoHash) {
    this.socket = socket
    this.#infoHash = infoHash
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
    socket.on('error', () => {})
    socket.on('data', (bytes) => this.#take(bytes))
  }

  /** @param fast whether the fast extension (BEP 6) is offered */
  greet({ fast = true }: { readonly fast?: boolean } = {}): void {
    const reserved = Buffer.from([0, 0, 0, 0, 0, 0x10, 0, fast ? 4 : 0])
    const name = Buffer.from('\x13BitTorrent protocol', 'latin1')
    const id = Buffer.concat([Buffer.from('-RW0001-'), randomBytes(12)])
    this.socket.write(Buffer.concat([name, reserved, infoHashBytes(this.#infoHash), id]))
  }

  send(id: number, ...body: readonly Uint8Array[]): void {
    const length = 1 + body.reduce((sum, part) => sum + part.byteLength, 0)
    this.socket.write(Buffer.concat([u32(length), Buffer.from([id]), ...body]))
  }

  extended(id: number, ...payload: readonly Uint8Array[]): void {
    this.send(EXTENDED, Buffer.from([id]), ...payload)
  }

  /** Says which of our ids stand for which extension. */
  extendedHandshake(m: Readonly<Record<string, number>>, more: Record<string, number> = {}): void {
    this.extended(0, encodeBencode({ m, ...more }))
  }

  request(index: number, offset: number, length: number): void {
    this.send(ID.request, u32(index), u32(offset), u32(length))
  }

  /** Resolves with the first message, past or future, that satisfies `test`; rejects on close. */
  message(test: (message: Message) => boolean): Promise<Message> {
    return new Promise((resolve, reject) => {
      const check = () => {
        const found = this.received.find(test)
        if (found === undefined) return
        this.#checks.delete(check)
        resolve(found)
      }
      this.#checks.add(check)
      void this.closed.then(() => reject(new Error('the connection was closed')))
      check()
    })
  }

  async end(): Promise<void> {
    this.socket.destroy()
    await this.closed
  }

  #take(bytes: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, bytes])
    if (!this.#greeted) {
      if (this.#buffer.length < 68) return
      this.#buffer = this.#buffer.subarray(68)
      this.#greeted = true
    }
    while (this.#buffer.length >= 4) {
      const length = this.#buffer.readUInt32BE(0)
      if (this.#buffer.length < 4 + length) break
      if (length > 0) {
        this.received.push({
          id: this.#buffer[4] ?? -1,
          body: this.#buffer.subarray(5, 4 + length)
        })
      }
      this.#buffer = this.#buffer.subarray(4 + length)
    }
    for (const check of [...this.#checks]) check()
  }
}

/** Connects and sends nothing yet. */
export async function dial(port: number, infoHash: InfoHash): Promise<RawPeer> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  await once(socket, 'connect')
  return new RawPeer(socket, infoHash)
}

/** Listens, and hands each connection to `onPeer` before a byte is exchanged. */
export async function listenRaw(
  infoHash: InfoHash,
  onPeer: (peer: RawPeer) => void
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    onPeer(new RawPeer(socket, infoHash))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    }
  }
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
