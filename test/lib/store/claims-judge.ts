/** What a store's folder claims after a crash, held against what really lies in it. */
import type { Metainfo } from '../../../core/metainfo.ts'
import { claim } from '../../../lib/store/claims.ts'
import { createDescriptors } from '../../../lib/store/descriptors.ts'
import { PieceBits } from '../../../lib/store/piece-bits.ts'
import { createPieceFiles } from '../../../lib/store/piece-files.ts'
import { isPieceOnDisk } from '../../../lib/store/prove.ts'
import { equalStarts, extentLengthFor } from '../../../lib/store/segments.ts'
import type { Layout } from '../../../lib/store/shared-pieces.ts'
import { torrentFolders } from '../../../lib/store/torrent-folders.ts'

/** How many pieces the ledger on the disk claims, and which of them are not what they should be. */
export async function judgeClaims(
  root: string,
  metainfo: Metainfo,
  layout: (metainfo: Metainfo, folder: string) => Layout
) {
  const { infoHash, geometry } = metainfo
  const { size, pieceLength, pieceCount } = geometry
  const folders = torrentFolders(root)
  const place = layout(metainfo, folders.files(infoHash))
  const segmentCount = place.starts.length - 1
  const memory = PieceBits.allocate(pieceCount, segmentCount)
  const bits = new PieceBits(memory, pieceCount, segmentCount)
  const identity = { infoHash, pieceCount, segmentCount }
  await claim({ path: folders.ledger(infoHash), identity, geometry, layout: place }, bits)
  const descriptors = createDescriptors({ max: 4 })
  const shared = { layout: place, size, pieceLength, bits: memory }
  const files = createPieceFiles(shared, descriptors)
  const wrong: number[] = []
  for (let index = 0; index < pieceCount; index++) {
    if (bits.has(index) && !(await isPieceOnDisk(files, metainfo, index))) wrong.push(index)
  }
  await descriptors.close()
  return { claimed: bits.count(), wrong }
}

export const cacheLayout = ({ geometry }: Metainfo, folder: string): Layout => ({
  folder,
  starts: equalStarts(geometry.size, extentLengthFor(geometry.pieceLength)),
  kind: 'cache'
})
