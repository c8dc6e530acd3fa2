/**
 * The file `metainfo` in a torrent's folder: a bencoded dictionary of `info`, exactly the bytes that
 * were hashed, and of `swarmgate`, what the catalogue needs beyond it and a scan cannot tell.
 *
 *   { info: …, swarmgate: { "created at": ms, files: [{ crc32: n, sha256: 32 bytes }, …] } }
 *
 * A digest nobody has computed is absent. A damaged file is `undefined`, never an exception: the
 * infohash decides.
 */
import { readFile } from 'node:fs/promises'
import {
  type BencodeDict,
  type BencodeValue,
  decodeBencode,
  dictSpan,
  encodeBencode
} from '../../core/bencode.ts'
import { AppError } from '../../core/errors.ts'
import { type InfoHash, infoHashOf } from '../../core/info-hash.ts'
import { systemCode } from './store-error.ts'

/** Three per file: more files than any torrent we take. */
const MAX_ITEMS = 2 ** 23

export interface Sidecar {
  /** One per file of the metainfo, in its order. `sha256` is lower-case hex. */
  readonly files: readonly { readonly sha256: string | null; readonly crc32: number | null }[]
  /** Milliseconds since the epoch. */
  readonly createdAt: number
}

export interface Details {
  /** The info dictionary as hashed. */
  readonly info: Uint8Array
  readonly sidecar: Sidecar | null
}

export function encodeMetainfoFile({ info, sidecar }: Details): Buffer {
  const parts = [Buffer.from('d4:info'), info]
  if (sidecar !== null) parts.push(Buffer.from('9:swarmgate'), encodeSidecar(sidecar))
  return Buffer.concat([...parts, Buffer.from('e')])
}

/** What the file at `path` says; undefined when it is missing or damaged. */
export async function readMetainfo(path: string, infoHash: InfoHash): Promise<Details | undefined> {
  try {
    return decodeMetainfoFile(await readFile(path), infoHash)
  } catch (err) {
    if (systemCode(err) === 'ENOENT') return undefined
    throw new AppError('STORE_FAILED', 'the metainfo cannot be read', { cause: err })
  }
}

/** Undefined unless `info` hashes to `infoHash`; a sidecar that cannot be read is null. */
export function decodeMetainfoFile(bytes: Uint8Array, infoHash: InfoHash): Details | undefined {
  const info = member(bytes, 'info')
  if (info === undefined || infoHashOf(info) !== infoHash) return undefined
  const sidecar = member(bytes, 'swarmgate')
  return { info, sidecar: sidecar === undefined ? null : decodeSidecar(sidecar) }
}

function member(bytes: Uint8Array, key: string): Uint8Array | undefined {
  try {
    const span = dictSpan(bytes, key)
    return span === undefined ? undefined : bytes.subarray(span.start, span.end)
  } catch {
    return undefined
  }
}

function encodeSidecar({ files, createdAt }: Sidecar): Buffer {
  return encodeBencode({
    'created at': createdAt,
    files: files.map(({ sha256, crc32 }) => ({
      ...(crc32 === null ? {} : { crc32 }),
      ...(sha256 === null ? {} : { sha256: Buffer.from(sha256, 'hex') })
    }))
  })
}

function decodeSidecar(bytes: Uint8Array): Sidecar | null {
  let dict: BencodeValue
  try {
    dict = decodeBencode(bytes, { maxItems: MAX_ITEMS })
  } catch {
    return null
  }
  if (!isDict(dict)) return null
  const createdAt = dict.get('created at')
  const files = dict.get('files')
  if (typeof createdAt !== 'number' || !Array.isArray(files)) return null
  return { createdAt, files: files.map(digestsOf) }
}

function digestsOf(value: BencodeValue): Sidecar['files'][number] {
  const crc32 = isDict(value) ? value.get('crc32') : undefined
  const sha256 = isDict(value) ? value.get('sha256') : undefined
  return {
    crc32: typeof crc32 === 'number' ? crc32 : null,
    sha256: sha256 instanceof Uint8Array ? Buffer.from(sha256).toString('hex') : null
  }
}

function isDict(value: BencodeValue): value is BencodeDict {
  return value instanceof Map
}
