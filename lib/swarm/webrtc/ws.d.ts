/** The client side of `ws`, as far as it is used. */
declare module 'ws' {
  import type { EventEmitter } from 'node:events'
  import type { IncomingMessage } from 'node:http'

  export default class WebSocketClient extends EventEmitter {
    constructor(
      url: string,
      options: {
        readonly maxPayload: number
        readonly perMessageDeflate: false
        readonly handshakeTimeout: number
        readonly headers: Readonly<Record<string, string>>
      }
    )
    readonly readyState: 0 | 1 | 2 | 3
    readonly bufferedAmount: number
    send(text: string): void
    ping(): void
    close(): void
    terminate(): void
    override on(event: 'message', listener: (data: Buffer, isBinary: boolean) => void): this
    override on(event: 'upgrade', listener: (response: IncomingMessage) => void): this
    override on(event: 'error', listener: (err: Error) => void): this
    override on(event: 'open' | 'close' | 'pong', listener: () => void): this
  }
}
