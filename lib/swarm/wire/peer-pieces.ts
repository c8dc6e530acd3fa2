/**
 * Which pieces a peer has, as it says.
 *
 * Before the metainfo is known the number of pieces is not: what the peer says is kept (bounded)
 * and checked by `settle`. A bitfield of the wrong length or with spare bits set, a second one, and
 * a HAVE out of range end the connection.
 */
import { WireError } from './wire-error.ts'

/** A bitfield of 2 million pieces; the largest we keep before the metainfo is known. */
export const MAX_UNSETTLED_BYTES = 256 * 1024
const MAX_UNSETTLED_HAVES = 10_000
/** Bitfields after the first, besides one for each piece. */
const MAX_REPEATS = 16

export class PeerPieces {
  #count = 0
  #bits: Uint8Array | undefined
  /** `all` while no bit is kept because every one is set. */
  #all = false
  #pieceCount: number | undefined
  #haves: number[] = []
  #told = false
  #repeats = 0

  constructor(pieceCount: number | undefined) {
    this.#pieceCount = pieceCount
  }

  /** Pieces the peer has; before `settle` only what is certain. */
  get count(): number {
    return this.#all ? (this.#pieceCount ?? 0) : this.#count
  }

  /** It has every piece. */
  get all(): boolean {
    return this.#all || (this.#pieceCount !== undefined && this.#count === this.#pieceCount)
  }

  has(index: number): boolean {
    if (this.#all) return true
    return ((this.#bits?.[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0
  }

  /** As `setBits`, with every piece: aria2 says so when it has the last one. */
  setAll(): readonly number[] | undefined {
    if (this.#told) {
      this.#repeat()
      if (this.#pieceCount !== undefined) return this.#missing(this.#pieceCount)
    }
    const isFirst = !this.#told
    this.#told = true
    this.#all = true
    return isFirst ? undefined : []
  }

  #missing(pieceCount: number): number[] {
    const missing: number[] = []
    for (let index = 0; index < pieceCount; index++) if (!this.has(index)) missing.push(index)
    return missing
  }

  /** Only before anything else was told. */
  setNone(): void {
    this.#once()
  }

  /**
   * The first bitfield says what the peer has; the answer is undefined. A later one comes in the
   * place of HAVE messages (aria2): the answer is the pieces in it that are new, for `add`.
   */
  setBits(bytes: Uint8Array): readonly number[] | undefined {
    if (this.#told) return this.#newIn(bytes)
    this.#once()
    this.#replaceBits(bytes)
    return undefined
  }

  #repeat(): void {
    if (++this.#repeats > MAX_REPEATS + (this.#pieceCount ?? 0)) {
      throw new WireError('too many bitfields')
    }
  }

  #newIn(bytes: Uint8Array): readonly number[] {
    this.#repeat()
    if (this.#pieceCount === undefined) {
      this.#replaceBits(bytes)
      return []
    }
    this.#checkBits(bytes, this.#pieceCount)
    const added: number[] = []
    for (let index = 0; index < this.#pieceCount; index++) {
      const isSet = ((bytes[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0
      if (isSet && !this.has(index)) added.push(index)
    }
    return added
  }

  #replaceBits(bytes: Uint8Array): void {
    if (this.#pieceCount === undefined && bytes.byteLength > MAX_UNSETTLED_BYTES) {
      throw new WireError('a bitfield that is too long')
    }
    this.#bits = Uint8Array.from(bytes)
    if (this.#pieceCount !== undefined) this.#count = this.#checkBits(bytes, this.#pieceCount)
  }

  /** A HAVE. True if that is news. */
  add(index: number): boolean {
    this.#told = true
    if (this.#pieceCount === undefined) {
      if (this.#haves.length >= MAX_UNSETTLED_HAVES) throw new WireError('too many HAVE messages')
      this.#haves.push(index)
      return false
    }
    if (index >= this.#pieceCount) throw new WireError('a HAVE out of range')
    if (this.has(index)) return false
    const bits = this.#owned(this.#pieceCount)
    bits[index >> 3] = (bits[index >> 3] ?? 0) | (0x80 >> (index & 7))
    this.#count++
    return true
  }

  /** BEP 54. True if it had the piece. */
  remove(index: number): boolean {
    const pieceCount = this.#pieceCount
    if (pieceCount === undefined || index >= pieceCount || !this.has(index)) return false
    const bits = this.#owned(pieceCount)
    bits[index >> 3] = (bits[index >> 3] ?? 0) & ~(0x80 >> (index & 7))
    this.#count--
    return true
  }

  /** The metainfo came: checks and counts what was said before. */
  settle(pieceCount: number): void {
    if (this.#pieceCount !== undefined) return
    this.#pieceCount = pieceCount
    if (this.#bits !== undefined) this.#count = this.#checkBits(this.#bits, pieceCount)
    for (const index of this.#haves) this.add(index)
    this.#haves = []
  }

  #once(): void {
    if (this.#told) throw new WireError('its pieces told twice')
    this.#told = true
  }

  /** How many bits are set. */
  #checkBits(bits: Uint8Array, pieceCount: number): number {
    if (bits.byteLength !== Math.ceil(pieceCount / 8)) {
      throw new WireError('a bitfield of the wrong length')
    }
    const spare = bits.byteLength * 8 - pieceCount
    if (((bits.at(-1) ?? 0) & ((1 << spare) - 1)) !== 0) {
      throw new WireError('a bitfield with spare bits set')
    }
    let count = 0
    for (const byte of bits) count += ONES[byte] ?? 0
    return count
  }

  /** The bits to change, made from `all` if need be. */
  #owned(pieceCount: number): Uint8Array {
    if (this.#bits !== undefined && !this.#all) return this.#bits
    const bits = new Uint8Array(Math.ceil(pieceCount / 8))
    if (this.#all) {
      for (let index = 0; index < pieceCount; index++) {
        bits[index >> 3] = (bits[index >> 3] ?? 0) | (0x80 >> (index & 7))
      }
      this.#count = pieceCount
      this.#all = false
    }
    this.#bits = bits
    return bits
  }
}

/** The number of ones in a byte. */
const ONES = Uint8Array.from(
  { length: 256 },
  (_, byte) => byte.toString(2).replaceAll('0', '').length
)
