/**
 * What carries the bytes of one peer: a stream with back-pressure, whatever it runs over.
 *
 * `write` never blocks and never throws; `unsentBytes` tells how far behind the peer is, and the
 * writer is expected to look. After `onClose`, which comes exactly once, nothing is called any more
 * but the `done` of writes that were still out.
 */
export interface PeerStream {
  /** The other side's address. */
  readonly host: string
  readonly port: number
  readonly transport: 'tcp' | 'webrtc'
  /** True when the other side opened it. */
  readonly incoming: boolean
  /** Bytes handed to `write` that the system has not taken. */
  readonly unsentBytes: number
  /**
   * Sends `bytes`, which belong to the stream until `done` is called: when the system has taken
   * them or when the stream is closed. `done` is called exactly once, never before `write` returns.
   */
  write(bytes: Uint8Array, done?: () => void): void
  /** Stops and resumes `onData`. */
  pause(): void
  resume(): void
  /** Closes at once; what is unsent is lost. May be called twice. */
  destroy(): void
}

export interface PeerStreamEvents {
  /** @param bytes valid only during the call: the memory is used again */
  onData(bytes: Uint8Array): void
  /** Everything written has been taken. */
  onDrain(): void
  /** @param reason why, in a few words */
  onClose(reason: string): void
}
