/**
 * The datagram socket between the world and the DHT package.
 *
 * Nothing reaches the package that `dht-packet.ts` has not checked, and nothing the package throws
 * while it handles a datagram gets further than here. Bounded: so many queries a second are
 * answered. Nothing is sent where `mayReach` says no, so nobody makes us knock in our own network.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { EventEmitter, once } from 'node:events'
import { fitDhtAnswer, kindOfDhtPacket } from './dht-packet.ts'

const MAX_QUERIES_PER_SECOND = 200

export interface DhtSocketDeps {
  readonly mayReach: (host: string) => boolean
  readonly onTrouble: (err: unknown) => void
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number
}

/** As much of `dgram.Socket` as the package uses; it is bound before the package sees it. */
export class DhtSocket extends EventEmitter {
  readonly #socket: Socket
  readonly #deps: DhtSocketDeps
  #open = true
  #second = 0
  #queries = 0

  /** Rejects when the address cannot be bound. IPv4, as the package knows no other. */
  static async open(host: string, port: number, deps: DhtSocketDeps): Promise<DhtSocket> {
    const socket = createSocket('udp4')
    try {
      socket.bind(port, host)
      await once(socket, 'listening')
      return new DhtSocket(socket, deps)
    } catch (err) {
      socket.close()
      throw err
    }
  }

  private constructor(socket: Socket, deps: DhtSocketDeps) {
    super()
    this.#socket = socket
    this.#deps = deps
    socket.on('message', (packet, from) => this.#receive(packet, from))
    socket.on('error', deps.onTrouble)
    socket.on('close', () => this.emit('close'))
  }

  /** It is bound already; the package waits for the event. */
  bind(): void {
    process.nextTick(() => this.emit('listening'))
  }

  address() {
    return this.#socket.address()
  }

  /** Never throws: what cannot be sent is as good as lost. */
  send(
    packet: Uint8Array,
    _offset: number,
    _length: number,
    port: number,
    host: string,
    callback: () => void
  ): void {
    const fitting = fitDhtAnswer(packet)
    const isSendable = this.#open && port > 0 && port < 65_536 && this.#deps.mayReach(host)
    if (fitting === undefined || !isSendable) {
      process.nextTick(callback)
      return
    }
    try {
      this.#socket.send(fitting, port, host, () => callback())
    } catch (err) {
      this.#deps.onTrouble(err)
      process.nextTick(callback)
    }
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#socket.close()
  }

  #receive(packet: Buffer, from: RemoteInfo): void {
    if (!this.#open || from.port === 0) return
    const kind = kindOfDhtPacket(packet)
    if (kind === undefined || (kind === 'query' && !this.#admit())) return
    try {
      this.emit('message', packet, from)
    } catch (err) {
      this.#deps.onTrouble(err)
    }
  }

  #admit(): boolean {
    const second = Math.floor(this.#deps.now() / 1000)
    if (second !== this.#second) this.#queries = 0
    this.#second = second
    return ++this.#queries <= MAX_QUERIES_PER_SECOND
  }
}
