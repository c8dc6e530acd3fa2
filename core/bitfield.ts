/**
 * A bit per piece in the order of the wire (BEP 3): bit 0 is the high bit of byte 0.
 *
 * A view: it reads and writes the bytes it was given. Bits past `size` are always zero.
 */

export class Bitfield {
  readonly size: number
  readonly bytes: Uint8Array

  /** All zero, or over `bytes`, which must have the right length and no spare bits set. */
  constructor(size: number, bytes: Uint8Array = new Uint8Array(Bitfield.byteLength(size))) {
    if (bytes.byteLength !== Bitfield.byteLength(size)) {
      throw new RangeError(`${bytes.byteLength} bytes cannot hold ${size} bits`)
    }
    if (((bytes.at(-1) ?? 0) & spareMask(size)) !== 0) throw new RangeError('spare bits are set')
    this.size = size
    this.bytes = bytes
  }

  static byteLength(size: number): number {
    return Math.ceil(size / 8)
  }

  /** Over the payload of a `bitfield` message; undefined when a peer sent what BEP 3 forbids. */
  static fromWire(bytes: Uint8Array, size: number): Bitfield | undefined {
    if (bytes.byteLength !== Bitfield.byteLength(size)) return undefined
    return ((bytes.at(-1) ?? 0) & spareMask(size)) === 0 ? new Bitfield(size, bytes) : undefined
  }

  /** False for an index out of range. */
  get(index: number): boolean {
    return index < this.size && ((this.bytes[index >> 3] ?? 0) & bitOf(index)) !== 0
  }

  set(index: number): void {
    this.#write(index, (byte) => byte | bitOf(index))
  }

  clear(index: number): void {
    this.#write(index, (byte) => byte & ~bitOf(index))
  }

  /** How many bits are set. */
  count(): number {
    let count = 0
    for (const byte of this.bytes) count += ONES[byte] ?? 0
    return count
  }

  /** Every bit is set; true for no bits at all. */
  isFull(): boolean {
    const whole = this.size >> 3
    for (let at = 0; at < whole; at++) if (this.bytes[at] !== 0xff) return false
    return whole === this.bytes.length || this.bytes[whole] === (~spareMask(this.size) & 0xff)
  }

  #write(index: number, change: (byte: number) => number): void {
    const at = index >> 3
    const byte = this.bytes[at]
    if (byte === undefined || index < 0 || index >= this.size) {
      throw new RangeError(`bit ${index} of ${this.size}`)
    }
    this.bytes[at] = change(byte)
  }
}

/** Set bits by value of a byte. */
const ONES: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => {
  let count = 0
  for (let rest = byte; rest > 0; rest >>= 1) count += rest & 1
  return count
})

function bitOf(index: number): number {
  return 0x80 >> (index & 7)
}

/** The bits of the last byte that stand for nothing. */
function spareMask(size: number): number {
  return size % 8 === 0 ? 0 : 0xff >> (size % 8)
}
