/**
 * What we use of bittorrent-protocol 5.0.9, which ships no types. webtorrent brings it along.
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
