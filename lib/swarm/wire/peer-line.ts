/** What leaves over one connection: small messages are gathered and leave at the end of the turn. */
import type { OUR_EXTENSIONS, TheirExtensions } from './extension-handshake.ts'
import { createOutbox, type Outbox } from './outbox.ts'
import type { PeerStream } from './peer-stream.ts'

/** Unsent bytes at which a peer is taken for one that does not read. */
const MAX_UNSENT_BYTES = 8 * 2 ** 20

export abstract class PeerLine {
  readonly stream: PeerStream
  readonly outbox: Outbox = createOutbox()
  /** What the peer said of itself (BEP 10). */
  extensions: TheirExtensions | undefined
  /** When it was last sent a small message, in milliseconds. */
  sentAt: number
  #flushing = false

  /** @param now milliseconds */
  constructor(stream: PeerStream, now: number) {
    this.stream = stream
    this.sentAt = now
  }

  abstract readonly closed: boolean

  /** Ends the connection. */
  abstract close(reason: string): void

  /** Sends what is in the outbox at the end of this turn, with what else joins it. */
  flushSoon(): void {
    if (this.#flushing || this.closed) return
    this.#flushing = true
    queueMicrotask(() => this.#flush())
  }

  /** Sends a message of an extension the peer has; false if it has not. */
  sendExtended(name: keyof typeof OUR_EXTENSIONS, payload: Uint8Array): boolean {
    const id = this.extensions?.m[name]
    if (id === undefined || id === 0) return false
    this.outbox.extended(id, payload)
    this.flushSoon()
    return true
  }

  #flush(): void {
    this.#flushing = false
    if (this.closed) return
    if (this.stream.unsentBytes > MAX_UNSENT_BYTES) this.close('it does not read')
    const bytes = this.outbox.take()
    if (bytes === undefined || this.closed) return
    this.sentAt = Date.now()
    this.stream.write(bytes)
  }
}
