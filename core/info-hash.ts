/** The name of a torrent: SHA-1 of its info dictionary (BEP 3). */
import { createHash } from 'node:crypto'

declare const brand: unique symbol

/** A v1 infohash: 40 lower-case hex digits. The only ways to get one are the functions below. */
export type InfoHash = string & { readonly [brand]: 'InfoHash' }

/** The infohash that `text` spells in hex of either case, or undefined. */
export function parseInfoHash(text: string): InfoHash | undefined {
  const lower = text.toLowerCase()
  return /^[0-9a-f]{40}$/.test(lower) ? (lower as InfoHash) : undefined
}

/** The infohash of an info dictionary, given exactly as it is encoded. */
export function infoHashOf(info: Uint8Array): InfoHash {
  return createHash('sha1').update(info).digest('hex') as InfoHash
}

/** The infohash of its 20 raw bytes, as announces and handshakes carry it. */
export function infoHashFromBytes(bytes: Uint8Array): InfoHash | undefined {
  if (bytes.byteLength !== 20) return undefined
  return Buffer.from(bytes.buffer, bytes.byteOffset, 20).toString('hex') as InfoHash
}

/** The 20 raw bytes of an infohash. */
export function infoHashBytes(infoHash: InfoHash): Buffer {
  return Buffer.from(infoHash, 'hex')
}

/** Which of `shards` an infohash belongs to: its first 32 bits modulo their number. */
export function shardOf(infoHash: InfoHash, shards: number): number {
  return Number.parseInt(infoHash.slice(0, 8), 16) % shards
}
