/**
 * The files of an info dictionary (BEP 3, 47), and the pieces of grammar it is read with.
 *
 * Refuses negative and inexact sizes, unsafe and duplicate paths, a path that is both a file and a
 * folder, symbolic links. Padding files are flagged; nobody sees their paths, so those may repeat,
 * as they do in practice. `path.utf-8` wins over `path`. Costs about a microsecond and, beside the
 * path's text, a few words per file: hostile torrents have as many as fit.
 */
import type { BencodeReader } from './bencode-reader.ts'
import { AppError } from './errors.ts'
import { PathClaims } from './path-claims.ts'
import { segmentBytes, segmentName } from './segment-name.ts'

export const MAX_FILES = 2 ** 20
/** Of one path as it is encoded, and of one name. */
export const MAX_PATH_BYTES = 4096
export const MAX_PATH_SEGMENTS = 128

export interface MetainfoFile {
  /** Place among all files of the info dictionary, padding included. */
  readonly index: number
  /** Opaque segments below the torrent's name; of a single file, its name. */
  readonly path: readonly Uint8Array[]
  /** The text form of the segments (`segmentName`) joined by `/`. */
  readonly name: string
  /** Of its first byte in the torrent. */
  readonly offset: number
  readonly size: number
  /** BEP 47: bytes that only align the next file, hidden from everybody. */
  readonly padding: boolean
}

/** A JSON pointer below `/info`; a function where making it for every file would cost. */
type Where = string | (() => string)

/** The path's segments are made from its text when asked for: a million files must be cheap. */
class TorrentFile implements MetainfoFile {
  readonly index: number
  readonly name: string
  readonly offset: number
  readonly size: number
  readonly padding: boolean

  constructor(index: number, name: string, offset: number, size: number, padding: boolean) {
    this.index = index
    this.name = name
    this.offset = offset
    this.size = size
    this.padding = padding
  }

  get path(): readonly Uint8Array[] {
    return this.name.split('/').map(segmentBytes)
  }
}

/** The file of a torrent that has no list of files. */
export function singleFile(name: string, size: number): MetainfoFile {
  return new TorrentFile(0, name, 0, size, false)
}

/** Reads the value of `files`. */
export function readFiles(reader: BencodeReader): readonly MetainfoFile[] {
  const files: MetainfoFile[] = []
  const claims = new PathClaims()
  let offset = 0
  reader.list((index) => {
    if (index === MAX_FILES) throw invalid('/files', `more than ${MAX_FILES}`)
    const file = readFile(reader, index, offset)
    offset += file.size
    if (!Number.isSafeInteger(offset)) throw invalid('/files', 'larger than 2^53 - 1 bytes')
    const refusal = file.padding ? undefined : claims.add(file.name)
    if (refusal !== undefined) throw invalid(`/files/${index}/path`, refusal)
    files.push(file)
  })
  if (files.length === 0) throw invalid('/files', 'empty')
  const clash = claims.clash()
  if (clash !== undefined) throw invalid('/files', `both a file and a folder: ${clash}`)
  return files
}

/** Reads a dict: `read` says false, and reads nothing, for a key it does not know. */
export function readDict(
  reader: BencodeReader,
  where: Where,
  read: (key: string) => boolean
): void {
  const seen: string[] = []
  reader.dict((key) => {
    if (seen.includes(key)) throw invalid(where, `two values of ${key}`)
    if (read(key)) seen.push(key)
    else reader.skip()
  })
}

/** Reads a name or a segment of a path; the answer is its text form. */
export function readSegment(reader: BencodeReader, where: Where): string {
  const bytes = reader.latin1()
  if (bytes.length > MAX_PATH_BYTES) throw invalid(where, `over ${MAX_PATH_BYTES} bytes`)
  if (bytes === '') throw invalid(where, 'empty')
  if (bytes === '.' || bytes === '..') throw invalid(where, `is "${bytes}"`)
  if (bytes.includes('\0')) throw invalid(where, 'holds a NUL byte')
  if (bytes.includes('/')) throw invalid(where, 'holds a slash')
  return /^[\0-\x7f]*$/.test(bytes) ? bytes : segmentName(Buffer.from(bytes, 'latin1'))
}

/** Reads a `length`. */
export function readSize(reader: BencodeReader, where: Where): number {
  const size = reader.integer()
  if (size < 0) throw invalid(where, `negative length: ${size}`)
  return size
}

/** Reads BEP 47's `attr`, whose letters are flags. */
export function readAttr(reader: BencodeReader, where: Where): string {
  const flags = reader.latin1()
  if (flags.includes('l')) throw invalid(where, 'symbolic links are refused')
  return flags
}

export function invalid(where: Where, detail: string, cause?: unknown): AppError {
  const pointer = typeof where === 'string' ? where : where()
  const place = pointer === '' ? 'the info dictionary' : `info${pointer}`
  return new AppError('METAINFO_INVALID', `${place}: ${detail}`, {
    cause,
    errors: [{ detail, pointer: `/info${pointer}` }]
  })
}

function readFile(reader: BencodeReader, index: number, offset: number): TorrentFile {
  let size: number | undefined
  let path: string | undefined
  let pathUtf8: string | undefined
  let padding = false
  const where = () => `/files/${index}`
  readDict(reader, where, (key) => {
    if (key === 'length') size = readSize(reader, where)
    else if (key === 'path') path = readPath(reader, where)
    else if (key === 'path.utf-8') pathUtf8 = readPath(reader, where)
    else if (key === 'attr') padding = readAttr(reader, where).includes('p')
    else if (key === 'symlink path') throw invalid(where, 'symbolic links are refused')
    else return false
    return true
  })
  const name = pathUtf8 ?? path
  if (size === undefined) throw invalid(where, 'no length')
  if (name === undefined) throw invalid(where, 'no path')
  return new TorrentFile(index, name, offset, size, padding)
}

function readPath(reader: BencodeReader, where: () => string): string {
  const start = reader.at
  let path: string | undefined
  reader.list((index) => {
    if (index === MAX_PATH_SEGMENTS) throw invalid(where, `path of over ${index} segments`)
    const name = readSegment(reader, () => `${where()}/path/${index}`)
    if (reader.at - start > MAX_PATH_BYTES) {
      throw invalid(where, `path of over ${MAX_PATH_BYTES} bytes`)
    }
    path = path === undefined ? name : `${path}/${name}`
  })
  if (path === undefined) throw invalid(where, 'path without segments')
  return path
}
