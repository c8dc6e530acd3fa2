/**
 * The info dictionary we publish with: a function of names and bytes alone, for ever.
 *
 * It holds `length` or `files`, `name`, `piece length`, `pieces` and nothing else; files are sorted
 * by the UTF-8 bytes of their paths joined by `/`, without padding. Changing anything here changes
 * every infohash; `test/core/metainfo-build.test.ts` has vectors that must never change.
 * Not its job: normalising and admitting names (`published-name.ts`), hashing.
 */
import { BencodeError, encodeBencode } from './bencode.ts'
import { AppError } from './errors.ts'
import type { InfoHash } from './info-hash.ts'
import { type Metainfo, parseInfo } from './metainfo.ts'

export interface FileSpec {
  /** Segments below the torrent's name. */
  readonly path: readonly string[]
  readonly size: number
}

interface CommonSpec {
  readonly name: string
  readonly pieceLength: number
  /** The SHA-1 of every piece, 20 bytes each, over the files in `inTorrentOrder`. */
  readonly pieces: Uint8Array
}

export type InfoSpec =
  | (CommonSpec & { readonly size: number })
  | (CommonSpec & { readonly files: readonly FileSpec[] })

export interface BuiltInfo {
  readonly info: Buffer
  readonly infoHash: InfoHash
  /** What `parseInfo` reads from `info`. */
  readonly metainfo: Metainfo
}

/**
 * Builds the info dictionary of a single file (`size`) or of a folder (`files`, in any order).
 * Throws `AppError('METAINFO_INVALID')` for anything `parseInfo` would refuse.
 */
export function buildInfo(spec: InfoSpec): BuiltInfo {
  const info = encoded(spec)
  const metainfo = parseInfo(info)
  return { info, infoHash: metainfo.infoHash, metainfo }
}

/** The files in the order in which their bytes make up the torrent. */
export function inTorrentOrder<F extends Pick<FileSpec, 'path'>>(files: readonly F[]): F[] {
  return files
    .map((file) => ({ file, key: Buffer.from(file.path.join('/'), 'utf8') }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ file }) => file)
}

function encoded(spec: InfoSpec): Buffer {
  const { name, pieceLength, pieces } = spec
  const content =
    'files' in spec
      ? { files: inTorrentOrder(spec.files).map(({ path, size }) => ({ length: size, path })) }
      : { length: spec.size }
  try {
    return encodeBencode({ ...content, name, 'piece length': pieceLength, pieces })
  } catch (err) {
    if (!(err instanceof BencodeError)) throw err
    throw new AppError('METAINFO_INVALID', err.message, { cause: err })
  }
}
