/**
 * The ledger: what a torrent's folder claims to hold, as bytes. Pure; the keeper does the writing.
 *
 * Little-endian, version 1, written whole and replaced whole:
 *
 *   0   magic        8 bytes, "SWGLEDGR"
 *   8   version      u32
 *   12  pieces       u32, number of pieces
 *   16  segments     u32, number of segment files of the layout
 *   20  records      u32, number of records below
 *   24  infohash     20 bytes
 *   44  have         ceil(pieces / 8) bytes, BEP 3 order, spare bits zero
 *   ..  records      40 bytes each, in any order:
 *                    segment u64, size u64, mtime in ns i64, inode u64, last use in ms u64
 *   ..  crc32        u32 of everything before
 *
 * A segment without a record was never made durable. Whatever is torn, foreign, of another version
 * or of other counts decodes to `undefined`: no claims, never an exception.
 */
import { crc32 } from 'node:zlib'
import { Bitfield } from '../../core/bitfield.ts'
import { type InfoHash, infoHashBytes } from '../../core/info-hash.ts'

/** A segment file as it was when its bytes had been made durable. */
export interface SegmentRecord {
  readonly size: number
  readonly mtimeNs: bigint
  readonly inode: bigint
  /** `Date.now()` of the last use; a library writes 0. */
  readonly usedAt: number
}

/** Which torrent a ledger must be of to be believed. */
export interface LedgerIdentity {
  readonly infoHash: InfoHash
  readonly pieceCount: number
  readonly segmentCount: number
}

export interface LedgerContent {
  /** Have bits in BEP 3 order. */
  readonly have: Uint8Array
  /** By segment. */
  readonly records: ReadonlyMap<number, SegmentRecord>
}

const MAGIC = Buffer.from('SWGLEDGR', 'latin1')
const VERSION = 1
const HEADER_BYTES = 44
const RECORD_BYTES = 40
const CHECKSUM_BYTES = 4

export function encodeLedger(identity: LedgerIdentity, content: LedgerContent): Buffer {
  const { have, records } = content
  const recordsAt = HEADER_BYTES + have.byteLength
  const bytes = Buffer.alloc(recordsAt + records.size * RECORD_BYTES + CHECKSUM_BYTES)
  MAGIC.copy(bytes, 0)
  bytes.writeUInt32LE(VERSION, 8)
  bytes.writeUInt32LE(identity.pieceCount, 12)
  bytes.writeUInt32LE(identity.segmentCount, 16)
  bytes.writeUInt32LE(records.size, 20)
  infoHashBytes(identity.infoHash).copy(bytes, 24)
  bytes.set(have, HEADER_BYTES)
  let at = recordsAt
  for (const [segment, record] of records) {
    bytes.writeBigUInt64LE(BigInt(segment), at)
    bytes.writeBigUInt64LE(BigInt(record.size), at + 8)
    bytes.writeBigInt64LE(record.mtimeNs, at + 16)
    bytes.writeBigUInt64LE(record.inode, at + 24)
    bytes.writeBigUInt64LE(BigInt(record.usedAt), at + 32)
    at += RECORD_BYTES
  }
  bytes.writeUInt32LE(crc32(bytes.subarray(0, at)), at)
  return bytes
}

/** The content of a sound ledger of exactly this torrent; else undefined. */
export function decodeLedger(bytes: Buffer, identity: LedgerIdentity): LedgerContent | undefined {
  const content = decodeSoundLedger(bytes)
  const matches =
    content !== undefined &&
    bytes.readUInt32LE(12) === identity.pieceCount &&
    bytes.readUInt32LE(16) === identity.segmentCount &&
    bytes.subarray(24, HEADER_BYTES).equals(infoHashBytes(identity.infoHash))
  return matches ? content : undefined
}

/** The content of a sound ledger, of whatever torrent; else undefined. */
export function decodeSoundLedger(bytes: Buffer): LedgerContent | undefined {
  if (bytes.byteLength < HEADER_BYTES + CHECKSUM_BYTES) return undefined
  const pieceCount = bytes.readUInt32LE(12)
  const recordsAt = HEADER_BYTES + Bitfield.byteLength(pieceCount)
  const end = bytes.byteLength - CHECKSUM_BYTES
  const sound =
    bytes.subarray(0, 8).equals(MAGIC) &&
    bytes.readUInt32LE(8) === VERSION &&
    recordsAt + bytes.readUInt32LE(20) * RECORD_BYTES === end &&
    bytes.readUInt32LE(end) === crc32(bytes.subarray(0, end))
  if (!sound) return undefined
  const have = Uint8Array.from(bytes.subarray(HEADER_BYTES, recordsAt))
  if (Bitfield.fromWire(have, pieceCount) === undefined) return undefined
  const records = new Map<number, SegmentRecord>()
  for (let at = recordsAt; at < end; at += RECORD_BYTES) {
    records.set(Number(bytes.readBigUInt64LE(at)), readRecord(bytes, at))
  }
  return { have, records }
}

function readRecord(bytes: Buffer, at: number): SegmentRecord {
  return {
    size: Number(bytes.readBigUInt64LE(at + 8)),
    mtimeNs: bytes.readBigInt64LE(at + 16),
    inode: bytes.readBigUInt64LE(at + 24),
    usedAt: Number(bytes.readBigUInt64LE(at + 32))
  }
}
