/**
 * The first 68 bytes of a connection (BEP 3): protocol name, reserved bits, infohash, peer id.
 *
 * Of the reserved bits we know the extension protocol (BEP 10), the fast extension (BEP 6) and
 * DHT (BEP 5); the first two we always offer.
 */
import { type InfoHash, infoHashBytes, infoHashFromBytes } from '../../../core/info-hash.ts'
import { PEER_ID_BYTES } from './peer-id.ts'
import { WireError } from './wire-error.ts'

export const HANDSHAKE_BYTES = 68

const NAME = Buffer.from('\x13BitTorrent protocol', 'latin1')
const RESERVED_AT = NAME.length
const INFO_HASH_AT = RESERVED_AT + 8
const PEER_ID_AT = INFO_HASH_AT + 20

/** Reserved bits: which byte of the eight, and which bit of it. */
const EXTENDED_AT = RESERVED_AT + 5
const EXTENDED_BIT = 0x10
const LAST_AT = RESERVED_AT + 7
const FAST_BIT = 0x04
const DHT_BIT = 0x01

export interface OurHandshake {
  readonly infoHash: InfoHash
  /** 20 bytes. */
  readonly peerId: Uint8Array
  /** Whether we run a DHT node (BEP 5). */
  readonly dht: boolean
}

export interface TheirHandshake {
  readonly infoHash: InfoHash
  /** 20 bytes of its own memory. */
  readonly peerId: Buffer
  /** BEP 6. */
  readonly fast: boolean
  /** BEP 10. */
  readonly extended: boolean
  /** BEP 5. */
  readonly dht: boolean
}

export function encodeHandshake({ infoHash, peerId, dht }: OurHandshake): Buffer {
  const bytes = Buffer.alloc(HANDSHAKE_BYTES)
  bytes.set(NAME)
  bytes[EXTENDED_AT] = EXTENDED_BIT
  bytes[LAST_AT] = FAST_BIT | (dht ? DHT_BIT : 0)
  bytes.set(infoHashBytes(infoHash), INFO_HASH_AT)
  bytes.set(peerId.subarray(0, PEER_ID_BYTES), PEER_ID_AT)
  return bytes
}

/**
 * What the first `HANDSHAKE_BYTES` of `bytes` say; what follows them is not looked at.
 * Throws `WireError` when they are fewer or speak another protocol.
 */
export function parseHandshake(bytes: Uint8Array): TheirHandshake {
  checkHandshakePrefix(bytes)
  const infoHash = infoHashFromBytes(bytes.subarray(INFO_HASH_AT, PEER_ID_AT))
  if (bytes.byteLength < HANDSHAKE_BYTES || infoHash === undefined) {
    throw new WireError('handshake cut short')
  }
  const last = bytes[LAST_AT] ?? 0
  return {
    infoHash,
    peerId: Buffer.from(bytes.subarray(PEER_ID_AT, HANDSHAKE_BYTES)),
    fast: (last & FAST_BIT) !== 0,
    extended: ((bytes[EXTENDED_AT] ?? 0) & EXTENDED_BIT) !== 0,
    dht: (last & DHT_BIT) !== 0
  }
}

/**
 * Throws `WireError` as soon as the bytes that came so far, be it one, cannot start a handshake: a
 * stranger who speaks HTTP, TLS or an encrypted variant is not waited for.
 */
export function checkHandshakePrefix(bytes: Uint8Array): void {
  const known = Math.min(bytes.byteLength, NAME.length)
  for (let at = 0; at < known; at++) {
    if (bytes[at] !== NAME[at]) throw new WireError('not the BitTorrent protocol')
  }
}
