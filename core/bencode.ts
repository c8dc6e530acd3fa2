/**
 * Bencode (BEP 3): values from bytes and bytes from values.
 *
 * Decoding is bounded in depth and number of items, has no recursion, and throws nothing but
 * `BencodeError`; strings are views of the input. Encoding is canonical: one value, one encoding.
 * What must be read without building values (large metainfo) uses `BencodeReader` instead.
 */
import { BencodeError, BencodeReader } from './bencode-reader.ts'

export { BencodeError }

/** Strings are bytes: bencode says nothing of their encoding. */
export type BencodeValue = number | Uint8Array | BencodeValue[] | BencodeDict
/** Keys as latin1 (one character, one byte), in the order of the input. */
export type BencodeDict = Map<string, BencodeValue>

export interface DecodeLimits {
  /** Containers inside each other. 32. */
  readonly maxDepth?: number
  /** Values in all, keys not counted. 2^20; an empty dict of 2 bytes costs some 250 in memory. */
  readonly maxItems?: number
  /** Keys ascending, no superfluous zeros. Keys are unique either way. True. */
  readonly strict?: boolean
}

/**
 * What can be encoded. Text and the keys of plain objects become UTF-8, Map keys are latin1 as
 * decoding gives them; undefined members of objects are left out.
 */
export type BencodeInput =
  | string
  | number
  | bigint
  | Uint8Array
  | readonly BencodeInput[]
  | ReadonlyMap<string, BencodeInput>
  | { readonly [key: string]: BencodeInput | undefined }

/** Deeper input to `encodeBencode` is a mistake, or a cycle. */
const MAX_ENCODE_DEPTH = 256

interface Frame {
  readonly value: BencodeValue[] | BencodeDict
  lastKey: string | undefined
}

/** The one value that `bytes` encode. Throws `BencodeError` with what is wrong and where. */
export function decodeBencode(bytes: Uint8Array, limits: DecodeLimits = {}): BencodeValue {
  const { maxDepth = 32, maxItems = 2 ** 20, strict = true } = limits
  const reader = new BencodeReader(bytes, strict)
  const open: Frame[] = []
  for (let items = 0; ; ) {
    let value = closeFrame(reader, open)
    if (value === undefined) {
      if (++items > maxItems) throw reader.error(`more than ${maxItems} items`)
      value = readItem(reader, open, maxDepth)
      if (value === undefined) continue
    }
    const holder = open.at(-1)
    if (holder === undefined) {
      reader.finish()
      return value
    }
    place(holder, value)
  }
}

/** The offsets of the value of `key` in the dict that `bytes` encode, exactly as it stands there. */
export function dictSpan(
  bytes: Uint8Array,
  key: string
): { readonly start: number; readonly end: number } | undefined {
  const reader = new BencodeReader(bytes)
  let span: { start: number; end: number } | undefined
  reader.dict((found) => {
    if (found === key && span !== undefined) throw reader.error(`second ${key}`)
    const start = reader.at
    reader.skip()
    if (found === key) span = { start, end: reader.at }
  })
  reader.finish()
  return span
}

/** The canonical encoding: keys sorted by their bytes. Throws `BencodeError` for what has none. */
export function encodeBencode(value: BencodeInput): Buffer {
  const parts: Uint8Array[] = []
  encodeInto(parts, value, 0)
  return Buffer.concat(parts)
}

/** The innermost container if it ends here. */
function closeFrame(reader: BencodeReader, open: Frame[]): BencodeValue | undefined {
  return open.length > 0 && reader.leave() ? open.pop()?.value : undefined
}

/** The next integer or string; undefined when a container was opened instead. */
function readItem(reader: BencodeReader, open: Frame[], maxDepth: number) {
  readKey(reader, open.at(-1))
  const kind = reader.peek()
  if (kind === 'integer') return reader.integer()
  if (kind === 'string') return reader.string()
  if (open.length === maxDepth) throw reader.error('nested too deep')
  reader.enter(kind)
  open.push({ value: kind === 'list' ? [] : new Map(), lastKey: undefined })
  return undefined
}

function readKey(reader: BencodeReader, frame: Frame | undefined): void {
  if (frame === undefined || Array.isArray(frame.value)) return
  const start = reader.at
  frame.lastKey = reader.key(frame.lastKey)
  if (frame.value.has(frame.lastKey)) throw new BencodeError('duplicate key', start)
}

function place(frame: Frame, value: BencodeValue): void {
  if (Array.isArray(frame.value)) frame.value.push(value)
  else frame.value.set(frame.lastKey ?? '', value)
}

function encodeInto(parts: Uint8Array[], value: BencodeInput, depth: number): void {
  if (depth > MAX_ENCODE_DEPTH) throw new BencodeError('value nested too deep')
  if (typeof value === 'string') encodeBytes(parts, utf8(value))
  else if (typeof value === 'bigint') parts.push(Buffer.from(`i${value}e`))
  else if (typeof value === 'number') parts.push(encodeNumber(value))
  else if (value instanceof Uint8Array) encodeBytes(parts, value)
  else if (isList(value)) encodeList(parts, value, depth)
  else encodeDict(parts, sortedMembers(value), depth)
}

function encodeNumber(value: number): Buffer {
  if (!Number.isSafeInteger(value)) throw new BencodeError(`not an exact integer: ${value}`)
  return Buffer.from(`i${value}e`)
}

function encodeBytes(parts: Uint8Array[], bytes: Uint8Array): void {
  parts.push(Buffer.from(`${bytes.byteLength}:`), bytes)
}

function encodeList(parts: Uint8Array[], items: readonly BencodeInput[], depth: number): void {
  parts.push(Buffer.from('l'))
  for (const item of items) encodeInto(parts, item, depth + 1)
  parts.push(Buffer.from('e'))
}

function encodeDict(
  parts: Uint8Array[],
  members: readonly (readonly [Buffer, BencodeInput])[],
  depth: number
): void {
  parts.push(Buffer.from('d'))
  for (const [key, member] of members) {
    encodeBytes(parts, key)
    encodeInto(parts, member, depth + 1)
  }
  parts.push(Buffer.from('e'))
}

type DictInput =
  | ReadonlyMap<string, BencodeInput>
  | { readonly [key: string]: BencodeInput | undefined }

function sortedMembers(value: DictInput): (readonly [Buffer, BencodeInput])[] {
  const isMap = value instanceof Map
  const encodeKey = isMap ? latin1 : utf8
  const members: (readonly [Buffer, BencodeInput])[] = []
  for (const [key, member] of isMap ? value : Object.entries(value)) {
    if (member !== undefined) members.push([encodeKey(key), member])
  }
  return members.sort(([a], [b]) => Buffer.compare(a, b))
}

function isList(value: BencodeInput): value is readonly BencodeInput[] {
  return Array.isArray(value)
}

function utf8(text: string): Buffer {
  if (!text.isWellFormed()) throw new BencodeError('text with a lone surrogate')
  return Buffer.from(text, 'utf8')
}

function latin1(key: string): Buffer {
  for (let i = 0; i < key.length; i++) {
    if (key.charCodeAt(i) > 0xff) throw new BencodeError('Map key that is not latin1')
  }
  return Buffer.from(key, 'latin1')
}
