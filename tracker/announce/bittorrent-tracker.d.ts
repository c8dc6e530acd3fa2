/**
 * Declarations by hand of the two untyped packages used here: only what is used.
 *
 * `bittorrent-tracker/server`: the hooks the shell overrides and the doors it knocks at.
 * `ws`: the server half without a listener of its own.
 */
declare module 'bittorrent-tracker/server' {
  import type { EventEmitter } from 'node:events'
  import type { ServerResponse } from 'node:http'

  /** One parsed request; a bag the package hands through its layers. */
  export interface Params {
    /** Absent in a scrape of everything. */
    info_hash?: string | string[]
    /** 0 and 1 make the package encode `peers`; any other value passes them through. */
    compact?: number
  }

  /** What becomes the answer: every key is sent. */
  export type Response = Record<string, unknown>

  export type Callback<T> = (err: Error | null, result?: T) => void

  export interface SwarmHook {
    announce(params: Params, callback: Callback<Response>): void
    /** Where the package looks for the receiver of an answer, by peer id in hex. */
    readonly peers: {
      get(peerId: string): { readonly socket: EventEmitter } | undefined
    }
  }

  export interface DatagramSink {
    send(message: Uint8Array, offset: number, length: number, port: number, address: string): void
  }

  export interface RemoteInfo {
    readonly address: string
    readonly port: number
    readonly family: 'IPv4' | 'IPv6'
  }

  export interface RequestLike {
    readonly url: string
    readonly headers: Readonly<Record<string, string>>
    readonly connection: { readonly remoteAddress: string }
  }

  export default class Server extends EventEmitter {
    constructor(options: {
      readonly interval: number
      readonly http: false
      readonly udp: false
      readonly ws: false
      readonly stats: false
    })
    udp4: DatagramSink | null
    udp6: DatagramSink | null
    getSwarm(infoHash: string, callback: Callback<SwarmHook>): void
    _onScrape(params: Params, callback: Callback<Response>): void
    onHttpRequest(request: RequestLike, response: ServerResponse): void
    onUdpRequest(message: Buffer, from: RemoteInfo): void
    onWebSocketConnection(socket: EventEmitter): void
    close(callback: () => void): void
  }
}

declare module 'ws' {
  import type { EventEmitter } from 'node:events'
  import type { IncomingMessage } from 'node:http'
  import type { Duplex } from 'node:stream'

  export class WebSocket extends EventEmitter {
    static readonly OPEN: 1
    readonly readyState: number
    readonly bufferedAmount: number
    send(text: string): void
    ping(): void
    close(code: number, reason: string): void
    terminate(): void
    override on(event: 'message', listener: (data: Buffer) => void): this
    override on(event: 'error', listener: (err: Error) => void): this
    override on(event: 'close' | 'pong', listener: () => void): this
  }

  export class WebSocketServer extends EventEmitter {
    constructor(options: {
      readonly noServer: true
      readonly maxPayload: number
      readonly perMessageDeflate: false
      readonly clientTracking: false
    })
    handleUpgrade(
      request: IncomingMessage,
      socket: Duplex,
      head: Buffer,
      opened: (socket: WebSocket) => void
    ): void
    close(): void
  }
}
