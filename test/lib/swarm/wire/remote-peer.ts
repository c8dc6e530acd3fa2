/** The other end of a connection: sends what it is asked for, at its rate, as well as it is told. */
import { pieceSpan } from '../../../../core/geometry.ts'
import { createFrameParser, type FrameHandler } from '../../../../lib/swarm/wire/frame-parser.ts'
import type { Peer } from '../../../../lib/swarm/wire/peer.ts'
import type { PeerStream } from '../../../../lib/swarm/wire/peer-stream.ts'
import type { SampleTorrent } from '../../../fakes/sample-torrent.ts'
import { frame, LIMITS, recordedFrames } from './recorded-frames.ts'

export interface RemoteOptions {
  readonly fast?: boolean
  /** It chokes until told otherwise. */
  readonly choked?: boolean
  readonly bytesPerSecond?: number
  /** From a request to the first byte of its answer, in milliseconds. */
  readonly delayMs?: number
  /** Undefined: everything. */
  readonly pieces?: readonly number[]
  /** Which blocks it sends wrong. */
  readonly lies?: (index: number, begin: number) => boolean
  /** Which blocks it rejects. */
  readonly rejects?: (index: number, begin: number) => boolean
}

interface Order {
  readonly index: number
  readonly begin: number
  readonly length: number
  readonly at: number
}

export class RemotePeer {
  peer!: Peer
  /** Sends nothing at all. */
  frozen = false
  bytesPerSecond: number
  readonly requests: { readonly index: number; readonly begin: number }[] = []
  /** Blocks it has begun to send, and those of them that were wrong. */
  sentBlocks = 0
  lies = 0
  readonly stream: PeerStream
  readonly #options: RemoteOptions
  readonly #sample: SampleTorrent
  #orders: Order[] = []
  /** What is on the line. */
  #out: Buffer[] = []
  #budget = 0
  #choking: boolean
  #now = 0
  #dead = false

  constructor(sample: SampleTorrent, options: RemoteOptions) {
    this.#sample = sample
    this.#options = options
    this.#choking = options.choked ?? false
    this.bytesPerSecond = options.bytesPerSecond ?? 10 * 2 ** 20
    const parser = createFrameParser(this.#handler(), { ...LIMITS })
    this.stream = {
      host: '192.0.2.1',
      port: 1,
      transport: 'tcp',
      incoming: true,
      unsentBytes: 0,
      write: (bytes) => parser.push(bytes),
      pause() {},
      resume() {},
      destroy: () => {
        this.#dead = true
      }
    }
  }

  get waiting(): number {
    return this.#orders.length
  }

  /** Says what it has, and unchokes. */
  greet(): void {
    this.#out.push(frame(5, this.#bitfield()))
    if (!this.#choking) this.#out.push(frame(1))
  }

  choke(): void {
    if (this.#choking) return
    this.#choking = true
    this.#out.push(frame(0))
    if (this.#options.fast ?? true) for (const order of this.#orders) this.#reject(order)
    this.#orders = []
  }

  unchoke(): void {
    if (this.#choking) this.#out.push(frame(1))
    this.#choking = false
  }

  /** Puts messages on the line. */
  say(...messages: readonly Buffer[]): void {
    this.#out.push(...messages)
  }

  /** The connection is lost, in the middle of whatever was on the line. */
  disconnect(): void {
    this.#dead = true
    this.peer.close('the other side went')
  }

  step(now: number, ms: number): void {
    this.#now = now
    if (this.#dead || this.frozen) return
    this.#budget = Math.min(this.#budget, 0) + (this.bytesPerSecond * ms) / 1000
    while (this.#budget > 0 && !this.#dead && this.#fill()) this.#deliver()
  }

  /** Puts the next block on the line when that is empty. False: there is nothing to send. */
  #fill(): boolean {
    if (this.#out.length > 0) return true
    const order = this.#orders[0]
    if (order === undefined || order.at > this.#now) return false
    this.#orders.shift()
    if (this.#options.rejects?.(order.index, order.begin)) this.#reject(order)
    else this.#send(order)
    return true
  }

  #deliver(): void {
    const first = this.#out[0]
    if (first === undefined) return
    const most = Math.max(1, Math.floor(this.#budget))
    const part = first.subarray(0, most)
    if (part.length === first.length) this.#out.shift()
    else this.#out[0] = first.subarray(most)
    this.#budget -= part.length
    this.peer.receive(Uint8Array.from(part))
  }

  #send({ index, begin, length }: Order): void {
    const { start } = pieceSpan(this.#sample.metainfo.geometry, index)
    const bytes = Buffer.from(this.#sample.bytes.subarray(start + begin, start + begin + length))
    this.sentBlocks++
    if (this.#options.lies?.(index, begin)) {
      bytes[length >> 1] = (bytes[length >> 1] ?? 0) ^ 0xff
      this.lies++
    }
    this.#out.push(frame(7, index, begin, bytes))
  }

  #reject({ index, begin, length }: Order): void {
    this.#out.push(frame(16, index, begin, length))
  }

  #bitfield(): Buffer {
    const { pieceCount } = this.#sample.metainfo.geometry
    const bits = Buffer.alloc(Math.ceil(pieceCount / 8))
    const have = this.#options.pieces ?? Array.from({ length: pieceCount }, (_, index) => index)
    for (const index of have) bits[index >> 3] = (bits[index >> 3] ?? 0) | (0x80 >> (index & 7))
    return bits
  }

  #handler(): FrameHandler {
    return {
      ...recordedFrames(),
      request: (index, begin, length) => {
        this.requests.push({ index, begin })
        const order = { index, begin, length, at: this.#now + (this.#options.delayMs ?? 0) }
        if (!this.#choking) this.#orders.push(order)
        else if (this.#options.fast ?? true) this.#reject(order)
      },
      cancel: (index, begin) => {
        const at = this.#orders.findIndex((o) => o.index === index && o.begin === begin)
        if (at === -1) return
        const [order] = this.#orders.splice(at, 1)
        if (order !== undefined && (this.#options.fast ?? true)) this.#reject(order)
      }
    }
  }
}
