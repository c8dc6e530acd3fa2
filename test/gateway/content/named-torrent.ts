/** A torrent of a folder whose files have names and bytes of the test's choice. */
import { pieceSpan } from '../../../core/geometry.ts'
import { buildInfo, inTorrentOrder } from '../../../core/metainfo-build.ts'
import { hashPieces } from '../../fakes/memory-store.ts'
import type { SampleTorrent } from '../../fakes/sample-torrent.ts'

export const PIECE = 16384

/** @param contents path below the folder, joined by `/`, to what is in the file */
export function namedTorrent(
  name: string,
  contents: Readonly<Record<string, string | Uint8Array>>
): SampleTorrent {
  const files = inTorrentOrder(
    Object.entries(contents).map(([path, content]) => {
      const bytes = Buffer.from(content as Uint8Array)
      return { path: path.split('/'), size: bytes.byteLength, bytes }
    })
  )
  const bytes = Buffer.concat(files.map(({ bytes }) => bytes))
  const pieces = hashPieces(bytes, PIECE)
  const specs = files.map(({ path, size }) => ({ path, size }))
  const { metainfo } = buildInfo({ name, pieceLength: PIECE, pieces, files: specs })
  const piece = (index: number) => {
    const { start, end } = pieceSpan(metainfo.geometry, index)
    return bytes.subarray(start, end)
  }
  return { metainfo, bytes, piece }
}
