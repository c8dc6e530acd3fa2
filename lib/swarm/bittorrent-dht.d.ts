/** What we use of bittorrent-dht 11.0.12, which ships no types. */
declare module 'bittorrent-dht' {
  import { EventEmitter } from 'node:events'

  export interface DhtOptions {
    /** `host:port` each. */
    readonly bootstrap: readonly string[] | false
    /** Instead of one the package makes. */
    readonly socket: EventEmitter
    /** Milliseconds a peer that announced to us is remembered. */
    readonly maxAge: number
    readonly maxPeers: number
    readonly maxTables: number
    readonly maxValues: number
    /** Queries under way. */
    readonly concurrency: number
  }

  export default class DHT extends EventEmitter {
    constructor(options: DhtOptions)
    readonly ready: boolean
    readonly nodes: { toArray(): readonly unknown[] }
    listen(): void
    /** Emits `peer` for what is found; returns what ends it. */
    lookup(infoHash: Uint8Array, callback: (err: Error | null, nodes?: number) => void): () => void
    /** Tells the nodes that the lookup of the last minutes found. */
    announce(infoHash: Uint8Array, port: number, callback: (err: Error | null) => void): void
    addNode(node: { readonly host: string; readonly port: number }): void
    destroy(callback: () => void): void
  }
}
