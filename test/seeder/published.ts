/** Puts complete torrents into a library, as an upload does. */
import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { pieceLengthFor } from '../../core/geometry.ts'
import type { Metainfo } from '../../core/metainfo.ts'
import { buildInfo } from '../../core/metainfo-build.ts'
import type { Library } from '../../lib/store/library.ts'
import type { Sidecar } from '../../lib/store/metainfo-file.ts'
import { createContentHash } from '../../seeder/ingest/content-hash.ts'

export interface Stageable {
  readonly metainfo: Metainfo
  readonly sidecar: Sidecar
  readonly store: () => Promise<void>
}

/** A file that `store` puts into the library. */
export function stageable(library: Library, name: string, bytes: Buffer): Stageable {
  const pieceLength = pieceLengthFor(bytes.byteLength)
  const hash = createContentHash({ pieceLength, piecesUpTo: bytes.byteLength, sha512: false })
  hash.update(bytes)
  const { pieces, sha256, crc32 } = hash.finish()
  const { metainfo } = buildInfo({
    name,
    size: bytes.byteLength,
    pieceLength,
    pieces: pieces ?? Buffer.alloc(0)
  })
  const files = [{ sha256: Buffer.from(sha256).toString('hex'), crc32 }]
  const sidecar = { files, createdAt: 1_700_000_000_000 }
  async function store(): Promise<void> {
    const staging = await library.stage(randomUUID())
    await writeFile(staging.filePath(0), bytes)
    await staging.publish(metainfo, sidecar)
  }
  return { metainfo, sidecar, store }
}
