/** A small torrent in a temporary folder, with the shared memory an engine works on. */
import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { geometryOf, pieceSpan } from '../../../core/geometry.ts'
import type { InfoHash } from '../../../core/info-hash.ts'
import type { Metainfo } from '../../../core/metainfo.ts'
import { buildInfo } from '../../../core/metainfo-build.ts'
import { PieceBits } from '../../../lib/store/piece-bits.ts'
import type { SharedPieces } from '../../../lib/store/shared-pieces.ts'
import type { EngineTorrent, PeerAddress, Want } from '../../../lib/swarm/contract.ts'

export const PIECE = 32 * 1024

export const NOTHING: Want = { all: false, windows: [] }
export const EVERYTHING: Want = { all: true, windows: [] }

export interface Content {
  readonly bytes: Buffer
  readonly metainfo: Metainfo
  readonly infoHash: InfoHash
}

/** Bytes that no other name has, the last piece short, as a torrent. */
export function makeContent(name: string, pieceCount: number): Content {
  const size = pieceCount * PIECE - 1000
  const bytes = Buffer.concat(
    Array.from({ length: Math.ceil(size / 32) }, (_, block) =>
      createHash('sha256').update(`${name} ${block}`).digest()
    )
  ).subarray(0, size)
  const geometry = geometryOf(size, PIECE)
  const pieces = Buffer.concat(
    Array.from({ length: pieceCount }, (_, index) => {
      const { start, end } = pieceSpan(geometry, index)
      return createHash('sha1').update(bytes.subarray(start, end)).digest()
    })
  )
  const { metainfo } = buildInfo({ name, size, pieceLength: PIECE, pieces })
  return { bytes, metainfo, infoHash: metainfo.infoHash }
}

export interface TorrentFolder {
  readonly content: Content
  readonly bits: PieceBits
  readonly file: string
  torrent(want: Want, peers?: readonly PeerAddress[]): EngineTorrent
  /** What lies on the disk. */
  read(): Promise<Buffer>
}

/** A library torrent on disk: whole and claimed, or sparse and empty. */
export async function makeFolder(
  content: Content,
  folder: string,
  { full }: { readonly full: boolean }
): Promise<TorrentFolder> {
  const { geometry } = content.metainfo
  const file = join(folder, '0')
  await mkdir(folder, { recursive: true })
  await writeFile(file, full ? content.bytes : Buffer.alloc(geometry.size))
  const memory = PieceBits.allocate(geometry.pieceCount, 0)
  const bits = new PieceBits(memory, geometry.pieceCount, 0)
  if (full) for (let index = 0; index < geometry.pieceCount; index++) bits.claim(index)
  const pieces: SharedPieces = {
    layout: { folder, starts: Float64Array.of(0, geometry.size), kind: 'library' },
    size: geometry.size,
    pieceLength: geometry.pieceLength,
    bits: memory
  }
  return {
    content,
    bits,
    file,
    torrent: (want, peers = []) => ({
      infoHash: content.infoHash,
      info: content.metainfo.info,
      pieces,
      want,
      peers
    }),
    read: () => readFile(file)
  }
}

/** The bytes of one piece. */
export function pieceOf(content: Content, index: number, bytes: Buffer = content.bytes): Buffer {
  const { start, end } = pieceSpan(content.metainfo.geometry, index)
  return bytes.subarray(start, end)
}
