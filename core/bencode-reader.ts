/**
 * A cursor over bencoded bytes (BEP 3): reads or skips one value at a time.
 *
 * Guarantees: linear time, no recursion of its own, nothing allocated for what is skipped, strings
 * are views and not copies, and nothing but `BencodeError` is thrown whatever the bytes are.
 * `strict` insists on the canonical form: keys ascending and unique, no superfluous zeros.
 * Not its job: building values (`bencode.ts`) or knowing what a dictionary means.
 */

/** Bytes that are not bencode, or values that have no bencoding. `at` is the offset in the input. */
export class BencodeError extends Error {
  readonly at: number | undefined

  constructor(what: string, at?: number) {
    super(at === undefined ? what : `${what} at byte ${at}`)
    this.name = 'BencodeError'
    this.at = at
  }
}

/** Containers inside each other that `skip` follows before it refuses. */
const MAX_SKIP_DEPTH = 256
/** Longer runs of digits cannot be a safe integer. */
const MAX_DIGITS = 16

const CODE_0 = 0x30
const CODE_9 = 0x39
const CODE_COLON = 0x3a
const CODE_MINUS = 0x2d
const CODE_D = 0x64
const CODE_E = 0x65
const CODE_I = 0x69
const CODE_L = 0x6c

export type BencodeKind = 'integer' | 'string' | 'list' | 'dict'

export class BencodeReader {
  readonly bytes: Buffer
  readonly strict: boolean
  /** Offset of the next unread byte. */
  at = 0

  constructor(bytes: Uint8Array, strict = false) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.strict = strict
  }

  /** What the next value is, without reading it. */
  peek(): BencodeKind {
    const code = this.bytes[this.at]
    if (code === undefined) throw this.error('unexpected end')
    if (isDigit(code)) return 'string'
    if (code === CODE_I) return 'integer'
    if (code === CODE_L) return 'list'
    if (code === CODE_D) return 'dict'
    throw this.error('no value starts')
  }

  /** An integer that a number holds exactly; others are refused. */
  integer(): number {
    const start = this.at
    this.take(CODE_I, 'expected an integer')
    const negative = this.bytes[this.at] === CODE_MINUS
    if (negative) this.at++
    const value = this.digits()
    this.take(CODE_E, 'expected the end of an integer')
    if (this.strict && negative && value === 0) throw new BencodeError('negative zero', start)
    return negative && value !== 0 ? -value : value
  }

  /** A byte string, as a view of the input. */
  string(): Buffer {
    const end = this.enterString()
    const view = this.bytes.subarray(this.at, end)
    this.at = end
    return view
  }

  /** A byte string as latin1, one character for each byte: cheaper than a view of a short one. */
  latin1(): string {
    const end = this.enterString()
    const text = this.bytes.toString('latin1', this.at, end)
    this.at = end
    return text
  }

  /** Enters a list or dict; ends with `leave`. */
  enter(kind: 'list' | 'dict'): void {
    this.take(kind === 'list' ? CODE_L : CODE_D, `expected a ${kind}`)
  }

  /** True, and the `e` consumed, when the list or dict ends here. */
  leave(): boolean {
    if (this.bytes[this.at] !== CODE_E) return false
    this.at++
    return true
  }

  /** A dictionary key as latin1, whose order as a string is the order of its bytes. */
  key(previous?: string): string {
    const start = this.at
    const key = this.latin1()
    if (this.strict && previous !== undefined && key <= previous) {
      throw new BencodeError(key === previous ? 'duplicate key' : 'key out of order', start)
    }
    return key
  }

  /** Reads a dict: `visit` is called after each key and must read exactly the value. */
  dict(visit: (key: string) => void): void {
    this.enter('dict')
    let previous: string | undefined
    while (!this.leave()) {
      previous = this.key(previous)
      visit(previous)
    }
  }

  /** Reads a list: `visit` is called before each item and must read exactly it. */
  list(visit: (index: number) => void): void {
    this.enter('list')
    for (let index = 0; !this.leave(); index++) visit(index)
  }

  /** Passes over one value, checking its form but neither order nor uniqueness of keys. */
  skip(): void {
    const open: ('list' | 'dict')[] = []
    do {
      const inside = open.at(-1)
      if (inside !== undefined && this.leave()) {
        open.pop()
        continue
      }
      if (inside === 'dict') this.at = this.enterString()
      const kind = this.peek()
      if (kind === 'string') this.at = this.enterString()
      else if (kind === 'integer') this.skipInteger()
      else {
        if (open.length === MAX_SKIP_DEPTH) throw this.error('nested too deep')
        this.enter(kind)
        open.push(kind)
      }
    } while (open.length > 0)
  }

  /** Refuses bytes after the value. */
  finish(): void {
    if (this.at < this.bytes.length) throw this.error('bytes after the value')
  }

  error(what: string): BencodeError {
    return new BencodeError(what, this.at)
  }

  private take(code: number, complaint: string): void {
    if (this.bytes[this.at] !== code) throw this.error(complaint)
    this.at++
  }

  /** Passes a string's length; the answer is where its bytes end. */
  private enterString(): number {
    const start = this.at
    const length = this.digits()
    this.take(CODE_COLON, 'expected a string')
    const end = this.at + length
    if (end > this.bytes.length) throw new BencodeError('string longer than the input', start)
    return end
  }

  private digits(): number {
    const start = this.at
    let value = 0
    for (let code = this.bytes[this.at]; isDigit(code); code = this.bytes[++this.at]) {
      if (this.at - start === MAX_DIGITS) throw new BencodeError('number too large', start)
      value = value * 10 + (code - CODE_0)
    }
    if (this.at === start) throw this.error('expected a digit')
    if (value > Number.MAX_SAFE_INTEGER) throw new BencodeError('number too large', start)
    const padded = this.bytes[start] === CODE_0 && this.at - start > 1
    if (this.strict && padded) throw new BencodeError('leading zero', start)
    return value
  }

  /** An integer of any size: what is skipped need not fit a number. */
  private skipInteger(): void {
    this.at++
    if (this.bytes[this.at] === CODE_MINUS) this.at++
    if (!isDigit(this.bytes[this.at])) throw this.error('expected a digit')
    while (isDigit(this.bytes[this.at])) this.at++
    this.take(CODE_E, 'expected the end of an integer')
  }
}

function isDigit(code: number | undefined): code is number {
  return code !== undefined && code >= CODE_0 && code <= CODE_9
}
