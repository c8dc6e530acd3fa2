/**
 * Which pieces are there, in memory that several threads share.
 *
 * Two bits per piece: *have* (claimed or proven) and *proven* (its hash matched in this life of the
 * process); one bit per extent of a cache: *resident* (room is reserved and the file may be
 * written). Proven implies have at every moment another thread can look.
 *
 *   | i32 number of have bits | i32 unused | have … | proven … | resident … |
 *
 * Bits lie in the order of BEP 3 (the first is the high bit of its byte), so a bitfield for the
 * wire is a copy. Whoever sets a bit has written the bytes before; this class does not check.
 */
import type { SharedPieces } from './shared-pieces.ts'

const HEADER_BYTES = 8

export class PieceBits {
  readonly pieceCount: number
  readonly #count: Int32Array
  readonly #have: Uint8Array
  readonly #proven: Uint8Array
  readonly #resident: Uint8Array

  /** Zeroed memory for `pieceCount` pieces and, for a cache, `extentCount` extents (library: 0). */
  static allocate(pieceCount: number, extentCount: number): SharedArrayBuffer {
    return new SharedArrayBuffer(
      HEADER_BYTES + 2 * Math.ceil(pieceCount / 8) + Math.ceil(extentCount / 8)
    )
  }

  /** The bits of a torrent that came from another thread. */
  static of(shared: SharedPieces): PieceBits {
    const { layout, size, pieceLength, bits } = shared
    const extentCount = layout.kind === 'cache' ? layout.starts.length - 1 : 0
    return new PieceBits(bits, Math.ceil(size / pieceLength), extentCount)
  }

  constructor(memory: SharedArrayBuffer, pieceCount: number, extentCount: number) {
    const bytes = Math.ceil(pieceCount / 8)
    this.pieceCount = pieceCount
    this.#count = new Int32Array(memory, 0, 1)
    this.#have = new Uint8Array(memory, HEADER_BYTES, bytes)
    this.#proven = new Uint8Array(memory, HEADER_BYTES + bytes, bytes)
    this.#resident = new Uint8Array(memory, HEADER_BYTES + 2 * bytes, Math.ceil(extentCount / 8))
  }

  /** Claimed or proven. */
  has(index: number): boolean {
    return test(this.#have, index)
  }

  isProven(index: number): boolean {
    return test(this.#proven, index)
  }

  /** The piece is said to be there; nothing has been hashed. */
  claim(index: number): void {
    if (raise(this.#have, index)) Atomics.add(this.#count, 0, 1)
  }

  /** The piece is written and its hash matched. */
  prove(index: number): void {
    this.claim(index)
    raise(this.#proven, index)
  }

  /** A file is not what it was: what was proven is hashed again before it is used. */
  doubtAll(): void {
    for (let byte = 0; byte < this.#proven.length; byte++) Atomics.store(this.#proven, byte, 0)
  }

  /** The piece is missing. */
  clear(index: number): void {
    lower(this.#proven, index)
    if (lower(this.#have, index)) Atomics.sub(this.#count, 0, 1)
  }

  /** Room is reserved for the extent: it may be written. Cache only. */
  resident(extent: number): boolean {
    return test(this.#resident, extent)
  }

  setResident(extent: number, resident: boolean): void {
    if (resident) raise(this.#resident, extent)
    else lower(this.#resident, extent)
  }

  /** How many pieces are claimed or proven. */
  count(): number {
    return Atomics.load(this.#count, 0)
  }

  get full(): boolean {
    return this.count() === this.pieceCount
  }

  /** A copy of the have bits, in BEP 3 order, spare bits zero. */
  haveBitfield(): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(this.#have, (_, byte) => Atomics.load(this.#have, byte))
  }
}

function maskOf(index: number): number {
  return 0x80 >> (index & 7)
}

function test(bytes: Uint8Array, index: number): boolean {
  const byte = index >> 3
  return byte < bytes.length && (Atomics.load(bytes, byte) & maskOf(index)) !== 0
}

/** Sets a bit; true if it was clear. */
function raise(bytes: Uint8Array, index: number): boolean {
  const mask = maskOf(index)
  return (Atomics.or(bytes, index >> 3, mask) & mask) === 0
}

/** Clears a bit; true if it was set. */
function lower(bytes: Uint8Array, index: number): boolean {
  const mask = maskOf(index)
  return (Atomics.and(bytes, index >> 3, ~mask & 0xff) & mask) !== 0
}
