/** Whom the frame parser calls, and which message is which call (BEP 3, 5, 6, 10). */
import { MESSAGE_ID } from './message-id.ts'

/**
 * What arrived. Numbers are unsigned 32-bit and not checked against anything; byte arrays are views
 * that are valid during the call. A handler that throws ends the parser.
 */
export interface FrameHandler {
  keepAlive(): void
  choke(): void
  unchoke(): void
  interested(): void
  notInterested(): void
  have(index: number): void
  bitfield(bytes: Uint8Array): void
  request(index: number, begin: number, length: number): void
  /**
   * A block begins. The answer is where its bytes go, exactly `length` of them; undefined when they
   * are of no use, and then `blockEnd` is not called.
   */
  blockStart(index: number, begin: number, length: number): Uint8Array | undefined
  /** The array that `blockStart` gave is full. */
  blockEnd(index: number, begin: number, length: number): void
  cancel(index: number, begin: number, length: number): void
  port(port: number): void
  suggest(index: number): void
  haveAll(): void
  haveNone(): void
  reject(index: number, begin: number, length: number): void
  allowedFast(index: number): void
  /** @param id which extension, as our handshake named them; 0 is the handshake itself */
  extended(id: number, payload: Uint8Array): void
  /** A message nobody knows; its body of `length` bytes is passed over. */
  unknown(id: number, length: number): void
}

/** A message that is not a block. */
interface Kind {
  /** The length of the body, when it has one length only. */
  readonly bytes: number | undefined
  /** Tells the handler of a body that lies in `bytes` from `at` to `end`. */
  readonly call: (handler: FrameHandler, bytes: Uint8Array, at: number, end: number) => void
}

/** Every message but the block, by id. */
export const KINDS: readonly (Kind | undefined)[] = byId([
  [MESSAGE_ID.choke, 0, (handler) => handler.choke()],
  [MESSAGE_ID.unchoke, 0, (handler) => handler.unchoke()],
  [MESSAGE_ID.interested, 0, (handler) => handler.interested()],
  [MESSAGE_ID.notInterested, 0, (handler) => handler.notInterested()],
  [MESSAGE_ID.have, 4, (handler, bytes, at) => handler.have(u32(bytes, at))],
  [
    MESSAGE_ID.bitfield,
    undefined,
    (handler, bytes, at, end) => handler.bitfield(bytes.subarray(at, end))
  ],
  [
    MESSAGE_ID.request,
    12,
    (handler, bytes, at) => handler.request(u32(bytes, at), u32(bytes, at + 4), u32(bytes, at + 8))
  ],
  [
    MESSAGE_ID.cancel,
    12,
    (handler, bytes, at) => handler.cancel(u32(bytes, at), u32(bytes, at + 4), u32(bytes, at + 8))
  ],
  [MESSAGE_ID.port, 2, (handler, bytes, at) => handler.port(u16(bytes, at))],
  [MESSAGE_ID.suggest, 4, (handler, bytes, at) => handler.suggest(u32(bytes, at))],
  [MESSAGE_ID.haveAll, 0, (handler) => handler.haveAll()],
  [MESSAGE_ID.haveNone, 0, (handler) => handler.haveNone()],
  [
    MESSAGE_ID.reject,
    12,
    (handler, bytes, at) => handler.reject(u32(bytes, at), u32(bytes, at + 4), u32(bytes, at + 8))
  ],
  [MESSAGE_ID.allowedFast, 4, (handler, bytes, at) => handler.allowedFast(u32(bytes, at))],
  [
    MESSAGE_ID.extended,
    undefined,
    (handler, bytes, at, end) => handler.extended(bytes[at] ?? 0, bytes.subarray(at + 1, end))
  ]
])

/** The unsigned big-endian number of the four bytes at `at`. */
export function u32(bytes: Uint8Array, at: number): number {
  return u16(bytes, at) * 0x10000 + u16(bytes, at + 2)
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
}

function byId(rows: readonly (readonly [number, Kind['bytes'], Kind['call']])[]) {
  const kinds = new Array<Kind | undefined>(256).fill(undefined)
  for (const [id, bytes, call] of rows) kinds[id] = { bytes, call }
  return kinds
}
