/** Entries of torrents that are sites, without a torrent behind them. */
import { infoHashOf } from '../../../core/info-hash.ts'
import type { Entry } from '../../../lib/control/control.ts'

/** A folder with files of these paths and contents; of one path alone, a single file. */
export function siteEntry(
  contents: Readonly<Record<string, string>>,
  { single = false, seed = 'a site' } = {}
): Entry {
  const files = Object.entries(contents).map(([path, text], index) => {
    return { index, path, size: Buffer.byteLength(text), sha256: null, crc32: null }
  })
  return {
    infoHash: infoHashOf(Buffer.from(seed)),
    name: single ? (files[0]?.path ?? '') : 'the site',
    size: files.reduce((sum, { size }) => sum + size, 0),
    single,
    files,
    replicas: 1,
    revision: 1,
    state: 'published',
    createdAt: Date.UTC(2026, 10, 1)
  }
}
