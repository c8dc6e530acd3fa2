/**
 * The records of a zip archive (PKWARE APPNOTE 6.3.9), as bytes. Nothing is compressed.
 *
 * Zip64 fields (§4.5.3) are there exactly when a number does not fit, so that old programs read
 * whatever they can.
 */

/** What the records of one file say. */
export interface ZipEntry {
  /** UTF-8. */
  readonly name: string
  readonly size: number
  /** Undefined when it follows the bytes, in a descriptor (§4.4.4, bit 3). */
  readonly crc: number | undefined
  /** Milliseconds since the epoch. */
  readonly modified: number
}

const UINT16 = 0xffff
const UINT32 = 0xffffffff
const DESCRIBED = 1 << 3
const UTF8 = 1 << 11
/** Unix, so that the permissions below count; 4.5 is the first version with Zip64. */
const MADE_BY = (3 << 8) | 45
const REGULAR_FILE = 0o100644 * 2 ** 16

/** §4.3.7 */
export function localHeader(entry: ZipEntry): Buffer {
  const { crc, size, modified } = entry
  const name = Buffer.from(entry.name)
  // Whether the sizes of the descriptor have 8 bytes is told by the field being there.
  const sizes = size >= UINT32 ? zip64(crc === undefined ? [0, 0] : [size, size]) : NOTHING
  const extra = Buffer.concat([sizes, timestamp(modified)])
  const head = Buffer.alloc(LOCAL_BYTES)
  head.writeUInt32LE(0x04034b50, 0)
  writeShared(head, 4, entry)
  const shown = size >= UINT32 ? UINT32 : crc === undefined ? 0 : size
  head.writeUInt32LE(crc ?? 0, 14)
  head.writeUInt32LE(shown, 18)
  head.writeUInt32LE(shown, 22)
  head.writeUInt16LE(name.length, 26)
  head.writeUInt16LE(extra.length, 28)
  return Buffer.concat([head, name, extra])
}

export function localHeaderSize({ name, size, modified }: Omit<ZipEntry, 'crc'>): number {
  const sizes = size >= UINT32 ? zip64Size(2) : 0
  return LOCAL_BYTES + Buffer.byteLength(name) + sizes + timestamp(modified).length
}

/** §4.3.9 */
export function descriptor(crc: number, size: number): Buffer {
  const bytes = Buffer.alloc(descriptorSize(size))
  bytes.writeUInt32LE(0x08074b50, 0)
  bytes.writeUInt32LE(crc, 4)
  if (size >= UINT32) {
    bytes.writeBigUInt64LE(BigInt(size), 8)
    bytes.writeBigUInt64LE(BigInt(size), 16)
  } else {
    bytes.writeUInt32LE(size, 8)
    bytes.writeUInt32LE(size, 12)
  }
  return bytes
}

export function descriptorSize(size: number): number {
  return size >= UINT32 ? 24 : 16
}

/**
 * §4.3.12
 * @param described whether the CRC-32 followed the bytes.
 * @param offset of the local header.
 */
export function directoryHeader(entry: ZipEntry, described: boolean, offset: number): Buffer {
  const { size, modified } = entry
  const name = Buffer.from(entry.name)
  const large = largeNumbers(size, offset)
  const extra = Buffer.concat([zip64(large), timestamp(modified)])
  const head = Buffer.alloc(DIRECTORY_BYTES)
  head.writeUInt32LE(0x02014b50, 0)
  head.writeUInt16LE(MADE_BY, 4)
  writeShared(head, 6, described ? { ...entry, crc: undefined } : entry, large.length > 0)
  head.writeUInt32LE(entry.crc ?? 0, 16)
  head.writeUInt32LE(Math.min(size, UINT32), 20)
  head.writeUInt32LE(Math.min(size, UINT32), 24)
  head.writeUInt16LE(name.length, 28)
  head.writeUInt16LE(extra.length, 30)
  head.writeUInt32LE(REGULAR_FILE, 38)
  head.writeUInt32LE(Math.min(offset, UINT32), 42)
  return Buffer.concat([head, name, extra])
}

export function directoryHeaderSize(entry: Omit<ZipEntry, 'crc'>, offset: number): number {
  const { name, size, modified } = entry
  const large = zip64Size(largeNumbers(size, offset).length)
  return DIRECTORY_BYTES + Buffer.byteLength(name) + large + timestamp(modified).length
}

/** What the end of an archive says: how many files, where the directory is and how long. */
export interface ZipEnd {
  readonly count: number
  readonly offset: number
  readonly size: number
}

/** §4.3.14 to 16 */
export function endOfDirectory({ count, offset, size }: ZipEnd): Buffer {
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(Math.min(count, UINT16), 8)
  end.writeUInt16LE(Math.min(count, UINT16), 10)
  end.writeUInt32LE(Math.min(size, UINT32), 12)
  end.writeUInt32LE(Math.min(offset, UINT32), 16)
  if (count < UINT16 && size < UINT32 && offset < UINT32) return end

  const end64 = Buffer.alloc(56)
  end64.writeUInt32LE(0x06064b50, 0)
  end64.writeBigUInt64LE(44n, 4)
  end64.writeUInt16LE(MADE_BY, 12)
  end64.writeUInt16LE(45, 14)
  end64.writeBigUInt64LE(BigInt(count), 24)
  end64.writeBigUInt64LE(BigInt(count), 32)
  end64.writeBigUInt64LE(BigInt(size), 40)
  end64.writeBigUInt64LE(BigInt(offset), 48)
  const locator = Buffer.alloc(20)
  locator.writeUInt32LE(0x07064b50, 0)
  locator.writeBigUInt64LE(BigInt(offset + size), 8)
  locator.writeUInt32LE(1, 16)
  return Buffer.concat([end64, locator, end])
}

const LOCAL_BYTES = 30
const DIRECTORY_BYTES = 46
const NOTHING = Buffer.alloc(0)

/** What local and directory header have in common: version, flags, method, time. */
function writeShared(head: Buffer, at: number, entry: ZipEntry, large = false): void {
  head.writeUInt16LE(large || entry.size >= UINT32 ? 45 : 20, at)
  head.writeUInt16LE(UTF8 | (entry.crc === undefined ? DESCRIBED : 0), at + 2)
  head.writeUInt32LE(dosTime(entry.modified), at + 6)
}

/** §4.4.6: even seconds from 1980 to 2107, of no zone in particular: UTC. */
function dosTime(ms: number): number {
  const first = Date.UTC(1980, 0, 1)
  const last = Date.UTC(2107, 11, 31, 23, 59, 58)
  const at = new Date(Math.min(Math.max(ms, first), last))
  const date = ((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate()
  const time = (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1)
  return date * 2 ** 16 + time
}

/** Info-ZIP's extended timestamp, seconds of UTC; left out where 32 bits cannot say them. */
function timestamp(ms: number): Buffer {
  const seconds = Math.floor(ms / 1000)
  if (seconds < 0 || seconds > 0x7fffffff) return NOTHING
  const field = Buffer.alloc(9)
  field.writeUInt16LE(0x5455, 0)
  field.writeUInt16LE(5, 2)
  field.writeUInt8(1, 4)
  field.writeInt32LE(seconds, 5)
  return field
}

/** The numbers of a directory header that do not fit, in the order of §4.5.3. */
function largeNumbers(size: number, offset: number): number[] {
  return [...(size >= UINT32 ? [size, size] : []), ...(offset >= UINT32 ? [offset] : [])]
}

function zip64(numbers: readonly number[]): Buffer {
  if (numbers.length === 0) return NOTHING
  const field = Buffer.alloc(zip64Size(numbers.length))
  field.writeUInt16LE(0x0001, 0)
  field.writeUInt16LE(8 * numbers.length, 2)
  for (const [index, number] of numbers.entries()) {
    field.writeBigUInt64LE(BigInt(number), 4 + 8 * index)
  }
  return field
}

function zip64Size(numbers: number): number {
  return numbers === 0 ? 0 : 4 + 8 * numbers
}
