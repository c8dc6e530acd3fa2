/**
 * What we use of webtorrent 3.0.21 and bittorrent-protocol 5.0.9, which ship no types.
 *
 * Names with an underscore are internals; `test/lib/swarm/webtorrent/internals.test.ts` pins each
 * of them, so that an update that moves one fails a test and not a node.
 */
declare module 'bittorrent-protocol' {
  import type { Duplex } from 'node:stream'

  export interface BitField {
    readonly buffer: Uint8Array
    get(index: number): boolean
    set(index: number, value?: boolean): void
  }

  export interface BlockRequest {
    readonly piece: number
    readonly offset: number
    readonly length: number
    readonly callback: (err: Error | null, bytes?: Uint8Array) => void
  }

  export interface ExtendedHandshake {
    [key: string]: unknown
  }

  /** A BEP 10 extension; its name stands on the prototype. */
  export interface Extension {
    readonly name: string
    onHandshake?(infoHash: string, peerId: string): void
    onExtendedHandshake?(handshake: ExtendedHandshake): void
    onMessage?(bytes: Uint8Array): void
  }

  export default class Wire extends Duplex {
    constructor(type: string, secure: 0)
    readonly peerId: string | null
    readonly type: string
    readonly amChoking: boolean
    readonly peerChoking: boolean
    readonly hasFast: boolean
    readonly requests: BlockRequest[]
    readonly peerRequests: BlockRequest[]
    readonly peerPieces: BitField
    readonly peerExtendedMapping: Readonly<Record<string, number>>
    readonly extendedHandshake: ExtendedHandshake
    downloaded: number
    /** Present once webtorrent has set the wire up. */
    readonly lt_donthave: { donthave(index: number): void }

    use(extension: new (wire: Wire) => Extension): void
    extended(name: string | number, payload: Uint8Array | object): void
    have(index: number): void
    piece(index: number, offset: number, bytes: Uint8Array): void
    reject(index: number, offset: number, length: number): void
    cancel(index: number, offset: number, length: number): void

    handshake(infoHash: string, peerId: string, extensions: object): void

    readonly _handshakeSent: boolean | undefined
    readonly _ext: Readonly<Record<string, Extension>>
    readonly extendedMapping: Readonly<Record<number, string>>
    _buffer: Uint8Array[]
    _bufferSize: number
    readonly _parserSize: number
    readonly _finished: boolean
    readonly _readableState: { readonly buffered: number }
    _parse(size: number, parser: (bytes: Uint8Array) => void): void
    _processBuffer(): void
    _push(bytes: Uint8Array): unknown
    _read(callback: (err: Error | null) => void): void
    _write(bytes: Uint8Array, callback: (err: Error | null) => void): void
    _onHandshakeBuffer(bytes: Uint8Array): void
    _onMessageLength(bytes: Uint8Array): void
    _onMessage(bytes: Uint8Array): void
    _onRequest(index: number, offset: number, length: number): void
    _onPiece(index: number, offset: number, bytes: Uint8Array): void
    _onHave(index: number): void
    _onBitField(bytes: Uint8Array): void
    _onHaveAll(): void
  }
}

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
