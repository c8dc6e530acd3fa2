/** A peer broke the protocol: the connection ends, and nothing else. */
export class WireError extends Error {
  /** @param message what the peer did, in a few words: `request beyond its piece` */
  constructor(message: string) {
    super(message)
    this.name = 'WireError'
  }
}
