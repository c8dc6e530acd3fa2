/**
 * What webtorrent is given of a torrent: only what our own, strict parser has validated.
 *
 * No trackers, no web seeds, no names and no files: webtorrent would keep an object per file, hash
 * a piece of each at the start and walk all of them after every piece.
 */
import type { ParsedTorrent } from 'webtorrent'
import { pieceSize } from '../../../core/geometry.ts'
import { type Metainfo, pieceHash } from '../../../core/metainfo.ts'

export function parsedTorrent(metainfo: Metainfo): ParsedTorrent {
  const { infoHash, geometry } = metainfo
  return {
    infoHash,
    info: {},
    name: infoHash,
    private: metainfo.private,
    announce: [],
    urlList: [],
    files: [],
    length: geometry.size,
    pieceLength: geometry.pieceLength,
    lastPieceLength: pieceSize(geometry, geometry.pieceCount - 1),
    pieces: Array.from({ length: geometry.pieceCount }, (_, index) =>
      Buffer.from(pieceHash(metainfo, index)).toString('hex')
    )
  }
}
