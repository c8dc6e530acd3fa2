/**
 * The pieces that a peer may ask for while it is choked (BEP 6, "Allowed Fast Set Generation").
 *
 * They follow from its address, so that reconnecting gains nothing. For IPv4 that is its /24, as
 * the BEP says. The BEP knows no IPv6; we take the /64, which is what one host is given, as the
 * first eight of sixteen bytes.
 */
import { createHash } from 'node:crypto'
import { type InfoHash, infoHashBytes } from '../../../core/info-hash.ts'
import { bytesOf } from './compact-address.ts'

/** The BEP's k. */
export const ALLOWED_FAST_PIECES = 10

export interface AllowedFastOf {
  readonly infoHash: InfoHash
  /** The peer's IP address; a peer without one (a name) gets none. */
  readonly host: string
  readonly pieceCount: number
  /** How many to allow, all pieces at most. */
  readonly count?: number
}

/** Piece indices, in the order of the BEP. */
export function allowedFastSet({
  infoHash,
  host,
  pieceCount,
  count = ALLOWED_FAST_PIECES
}: AllowedFastOf): number[] {
  const address = bytesOf(host)
  if (address === undefined) return []
  if (pieceCount <= count) return Array.from({ length: pieceCount }, (_, index) => index)
  address.fill(0, address.byteLength === 4 ? 3 : 8)
  const allowed = new Set<number>()
  let hash: Buffer = Buffer.concat([address, infoHashBytes(infoHash)])
  while (allowed.size < count) {
    hash = createHash('sha1').update(hash).digest()
    for (let at = 0; at < 20 && allowed.size < count; at += 4) {
      allowed.add(hash.readUInt32BE(at) % pieceCount)
    }
  }
  return [...allowed]
}
