/**
 * What we use of webtorrent 3.0.21, which ships no types. Internals, the names with an underscore,
 * are pinned as those of `bittorrent-protocol.d.ts` are.
 */
declare module 'webtorrent' {
  import type { EventEmitter } from 'node:events'
  import type { Server, Socket } from 'node:net'
  import type Wire from 'bittorrent-protocol'
  import type { BitField } from 'bittorrent-protocol'

  export interface ClientOptions {
    /** Handed to `server.listen` as it is, so an object binds an address too. */
    readonly torrentPort: { readonly host: string; readonly port: number }
    readonly maxConns: number
    readonly secure: 0
    readonly utPex: boolean
    readonly dht: false
    readonly lsd: false
    readonly tracker: false
    readonly natUpnp: false
    readonly natPmp: false
    readonly utp: false
    readonly webSeeds: false
  }

  /** What `parse-torrent` makes of a .torrent; handed in, nothing is parsed again. */
  export interface ParsedTorrent {
    readonly infoHash: string
    readonly info: object
    readonly name: string
    readonly private: boolean
    readonly announce: readonly string[]
    readonly urlList: readonly string[]
    readonly files: readonly []
    readonly length: number
    readonly pieceLength: number
    readonly lastPieceLength: number
    /** SHA-1 of each piece in hex. */
    readonly pieces: readonly string[]
  }

  export interface TorrentOptions {
    readonly deselect: true
    readonly storeCacheSlots: 0
    readonly uploads: number
    readonly alwaysChokeSeeders: false
    readonly preloadedStore?: Store
    readonly bitfield?: Uint8Array
  }

  /** abstract-chunk-store, the part that is called. */
  export interface Store {
    readonly chunkLength: number
    get(
      index: number,
      options: { readonly offset?: number; readonly length?: number } | null,
      callback: (err: Error | null, bytes?: Uint8Array) => void
    ): void
    put(index: number, bytes: Uint8Array, callback: (err: Error | null) => void): void
    close(callback: (err: Error | null) => void): void
    destroy(callback: (err: Error | null) => void): void
  }

  export interface Peer {
    readonly id: string
    readonly addr: string
    readonly conn: Socket | null
    readonly connected: boolean
    readonly destroyed: boolean
    retries: number
    destroy(err?: Error): void
  }

  export interface Selection {
    readonly from: number
    /** Inclusive. */
    readonly to: number
    readonly offset: number
    readonly priority: number
    readonly isStreamSelection: boolean
  }

  export interface Torrent extends EventEmitter {
    readonly infoHash: string
    readonly ready: boolean
    readonly destroyed: boolean
    readonly wires: readonly Wire[]
    /** Null for a piece we have. */
    readonly pieces: readonly (object | null)[]
    readonly bitfield: BitField
    metadata: unknown
    store: Store
    addPeer(address: string, source?: string): boolean
    destroy(options: null, callback: (err?: Error) => void): void

    readonly _peers: ReadonlyMap<string, Peer> | null
    readonly _queue: readonly Peer[] | null
    _critical: boolean[]
    readonly _selections: {
      readonly length: number
      clear(): void
      insert(selection: Selection): void
    }
    _addIncomingPeer(peer: Peer): void
    _validAddr(address: string): boolean
    _verifyPieces(callback: (err: Error | null) => void): void
    _markVerified(index: number): void
    _markUnverified(index: number): void
    _updateSelections(): void
  }

  export default class WebTorrent extends EventEmitter {
    constructor(options: ClientOptions)
    readonly peerId: string
    readonly listening: boolean
    readonly torrentPort: number
    readonly _connPool: {
      readonly tcpServer: Server
      readonly _onTCPError: (err: Error) => void
    }
    add(torrent: ParsedTorrent | string, options: TorrentOptions): Torrent
    /** Awaited for every incoming handshake. */
    get(infoHash: string): Promise<Torrent | null>
    destroy(callback: (err?: Error) => void): void
  }
}
