/** The part of bittorrent-tracker's client that the interop test uses. */
declare module 'bittorrent-tracker/client' {
  import type { EventEmitter } from 'node:events'

  export default class Client extends EventEmitter {
    constructor(options: {
      readonly infoHash: string
      readonly peerId: string
      readonly announce: readonly string[]
      readonly port: number
    })
    start(options?: { readonly left?: number; readonly numwant?: number }): void
    complete(): void
    update(): void
    stop(): void
    scrape(): void
    destroy(callback?: () => void): void
  }
}
