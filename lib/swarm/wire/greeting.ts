/** Collects the handshake at the start of a connection (BEP 3), refusing what cannot be one at once. */
import {
  checkHandshakePrefix,
  HANDSHAKE_BYTES,
  parseHandshake,
  type TheirHandshake
} from './handshake.ts'

export interface Greeting {
  /**
   * The next bytes of the stream. Undefined until the handshake is complete; then it and what came
   * behind it, valid as long as `bytes` is. Throws `WireError` for anything but a handshake.
   */
  push(bytes: Uint8Array): { readonly their: TheirHandshake; readonly rest: Uint8Array } | undefined
}

export function createGreeting(): Greeting {
  const gathered = new Uint8Array(HANDSHAKE_BYTES)
  let have = 0

  return {
    push(bytes) {
      const taken = Math.min(HANDSHAKE_BYTES - have, bytes.byteLength)
      gathered.set(bytes.subarray(0, taken), have)
      have += taken
      checkHandshakePrefix(gathered.subarray(0, have))
      if (have < HANDSHAKE_BYTES) return undefined
      return { their: parseHandshake(gathered), rest: bytes.subarray(taken) }
    }
  }
}
