/**
 * A data channel joined to a connection to the engine: bytes go both ways, unchanged.
 *
 *     browser ⇄ data channel ⇄ TCP on the loopback ⇄ engine
 *
 * Towards the browser the engine is held back as soon as `MAX_UNSENT_BYTES` wait in the channel.
 * Towards the engine the library cannot be held back, only the peer's honesty can: it sends what
 * the engine asked for. What waits is counted, and a peer that fills more than its bound is ended.
 */
import { connect, type Socket } from 'node:net'
import type { DataChannel } from 'node-datachannel'

/** One read of the engine's socket, and so the longest message to the browser. */
const CHUNK_BYTES = 64 * 1024
const MAX_UNSENT_BYTES = 512 * 1024
const RESUME_BYTES = 128 * 1024
/** What may wait for the engine: more than any sensible pipeline of requests brings. */
export const MAX_WAITING_BYTES = 4 * 1024 * 1024
/** The same in messages, each of which costs memory however short it is. */
const MAX_WAITING_MESSAGES = 4096

export type BridgeChannel = Pick<
  DataChannel,
  | 'sendMessageBinary'
  | 'maxMessageSize'
  | 'bufferedAmount'
  | 'setBufferedAmountLowThreshold'
  | 'onBufferedAmountLow'
  | 'onMessage'
>

export interface Bridge {
  /** Bytes that wait for the engine. */
  readonly waitingBytes: number
  /** Ends the connection to the engine; `onEnd` is not called any more. */
  close(): void
}

export interface BridgeDeps {
  /** Loopback port of the engine. */
  readonly port: number
  /** What the engine reads first. */
  readonly preamble: Uint8Array
  /** Asked when a peer has more than a quarter of its bound waiting: must it end? */
  readonly isCrowded: () => boolean
  /** The engine hung up, or the peer broke a rule. Called once. */
  readonly onEnd: () => void
}

/** @param channel open; its messages are taken from now on */
export function bridgeChannel(channel: BridgeChannel, deps: BridgeDeps): Bridge {
  let open = true
  /** Messages since nothing waited. */
  let waitingMessages = 0
  const longest = Math.max(1, Math.min(CHUNK_BYTES, channel.maxMessageSize() || CHUNK_BYTES))
  const socket: Socket = connect({
    host: '127.0.0.1',
    port: deps.port,
    noDelay: true,
    onread: { buffer: Buffer.allocUnsafe(CHUNK_BYTES), callback: pass }
  })
  socket.on('error', () => end())
  socket.on('close', () => end())
  socket.write(deps.preamble)
  channel.setBufferedAmountLowThreshold(RESUME_BYTES)
  channel.onBufferedAmountLow(() => {
    if (open) socket.resume()
  })
  channel.onMessage(take)

  /** From the engine to the browser; false holds the engine back. */
  function pass(length: number, chunk: Uint8Array): boolean {
    if (!open) return false
    try {
      for (let at = 0; at < length; at += longest) {
        channel.sendMessageBinary(chunk.subarray(at, Math.min(length, at + longest)))
      }
      return channel.bufferedAmount() < MAX_UNSENT_BYTES
    } catch {
      // The channel closed on the other thread.
      end()
      return false
    }
  }

  /** From the browser to the engine. */
  function take(message: string | Buffer | ArrayBuffer): void {
    if (!open) return
    if (typeof message === 'string') {
      end()
    } else {
      const bytes = message instanceof ArrayBuffer ? new Uint8Array(message) : message
      socket.write(bytes)
      waitingMessages = socket.writableLength > bytes.byteLength ? waitingMessages + 1 : 0
      if (hasTooMuch()) end()
    }
  }

  function hasTooMuch(): boolean {
    const waiting = socket.writableLength
    if (waiting > MAX_WAITING_BYTES || waitingMessages > MAX_WAITING_MESSAGES) return true
    return waiting > MAX_WAITING_BYTES / 4 && deps.isCrowded()
  }

  function close(): void {
    open = false
    socket.destroy()
  }

  function end(): void {
    if (!open) return
    close()
    deps.onEnd()
  }

  return {
    get waitingBytes() {
      return socket.writableLength
    },
    close
  }
}
