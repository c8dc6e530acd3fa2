/**
 * Metainfo: what an info dictionary (BEP 3, 27, 47) says, checked so that nothing behind it can be
 * wrong: sizes are exact and not negative, the pieces fit the size, every path is unique and safe.
 *
 * The input is hostile: sizes are bounded, cost is linear, the only error is METAINFO_INVALID with
 * what and where. Names stay opaque bytes; their text form is `segmentName`'s. `name.utf-8` wins
 * over `name`, as in every client. Keys of BEP 52 are passed over: a hybrid torrent is read as v1.
 * The list of files: `metainfo-files.ts`. Building: `metainfo-build.ts`.
 */
import { BencodeError, BencodeReader } from './bencode-reader.ts'
import { type Geometry, geometryOf } from './geometry.ts'
import { type InfoHash, infoHashOf } from './info-hash.ts'
import {
  invalid,
  type MetainfoFile,
  readAttr,
  readDict,
  readFiles,
  readSegment,
  readSize,
  singleFile
} from './metainfo-files.ts'
import { segmentBytes } from './segment-name.ts'

export type { MetainfoFile }

export const MAX_INFO_BYTES = 64 * 2 ** 20
/** What libtorrent accepts. */
export const MAX_PIECE_LENGTH = 512 * 2 ** 20
const HASH_BYTES = 20

export interface Metainfo {
  readonly infoHash: InfoHash
  /** The info dictionary exactly as hashed. */
  readonly info: Uint8Array
  /** The text form of `nameBytes`. */
  readonly name: string
  readonly nameBytes: Uint8Array
  readonly geometry: Geometry
  /** The SHA-1 of every piece, 20 bytes each: a view of `info`. */
  readonly pieces: Uint8Array
  /** In torrent order, without gaps. */
  readonly files: readonly MetainfoFile[]
  /** One file without a folder around it. */
  readonly single: boolean
  /** BEP 27. */
  readonly private: boolean
}

interface Fields {
  name?: string
  nameUtf8?: string
  length?: number
  files?: readonly MetainfoFile[]
  pieceLength?: number
  pieces?: Buffer
  private: boolean
}

/**
 * Reads an info dictionary. The result holds views of `info`, which must not change afterwards.
 * Throws `AppError('METAINFO_INVALID')`.
 */
export function parseInfo(info: Uint8Array): Metainfo {
  const fields = readFields(info)
  const name = fields.nameUtf8 ?? fields.name
  if (name === undefined) throw invalid('/name', 'missing')
  const files = filesOf(fields, name)
  const last = files.at(-1)
  const size = last === undefined ? 0 : last.offset + last.size
  const geometry = geometryOf(size, checkedPieceLength(fields.pieceLength))
  return {
    infoHash: infoHashOf(info),
    info,
    name,
    nameBytes: segmentBytes(name),
    geometry,
    pieces: checkedPieces(fields.pieces, geometry),
    files,
    single: fields.files === undefined,
    private: fields.private
  }
}

/** The 20 bytes piece `index` must hash to, as a view. */
export function pieceHash(metainfo: Pick<Metainfo, 'pieces'>, index: number): Uint8Array {
  return metainfo.pieces.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES)
}

function readFields(info: Uint8Array): Fields {
  if (info.byteLength > MAX_INFO_BYTES) throw invalid('', `larger than ${MAX_INFO_BYTES} bytes`)
  const reader = new BencodeReader(info)
  const fields: Fields = { private: false }
  try {
    readDict(reader, '', (key) => readField(reader, key, fields))
    reader.finish()
  } catch (err) {
    if (err instanceof BencodeError) throw invalid('', err.message, err)
    throw err
  }
  return fields
}

function readField(reader: BencodeReader, key: string, fields: Fields): boolean {
  if (key === 'name') fields.name = readSegment(reader, '/name')
  else if (key === 'name.utf-8') fields.nameUtf8 = readSegment(reader, '/name.utf-8')
  else if (key === 'length') fields.length = readSize(reader, '')
  else if (key === 'files') fields.files = readFiles(reader)
  else if (key === 'piece length') fields.pieceLength = reader.integer()
  else if (key === 'pieces') fields.pieces = reader.string()
  else if (key === 'attr') readAttr(reader, '')
  else if (key === 'symlink path') throw invalid('', 'symbolic links are refused')
  else if (key === 'private') return readPrivate(reader, fields)
  else return false
  return true
}

/** As in every client, anything but the integer 1 means no. */
function readPrivate(reader: BencodeReader, fields: Fields): boolean {
  if (reader.peek() !== 'integer') return false
  fields.private = reader.integer() === 1
  return true
}

function filesOf({ files, length }: Fields, name: string): readonly MetainfoFile[] {
  if (files === undefined) {
    if (length === undefined) throw invalid('', 'neither length nor files')
    return [singleFile(name, length)]
  }
  if (length !== undefined) throw invalid('', 'both length and files')
  return files
}

function checkedPieceLength(pieceLength: number | undefined): number {
  if (pieceLength === undefined) throw invalid('/piece length', 'missing')
  if (pieceLength < 1 || pieceLength > MAX_PIECE_LENGTH) {
    throw invalid('/piece length', `${pieceLength} is not within 1 to ${MAX_PIECE_LENGTH}`)
  }
  return pieceLength
}

function checkedPieces(pieces: Buffer | undefined, { pieceCount }: Geometry): Buffer {
  if (pieces === undefined) throw invalid('/pieces', 'missing: not a v1 torrent')
  if (pieces.length !== pieceCount * HASH_BYTES) {
    throw invalid('/pieces', `${pieces.length} bytes of hashes for ${pieceCount} pieces`)
  }
  return pieces
}
