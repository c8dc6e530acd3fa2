/** Where a BitTorrent client saves a file of a torrent, from the folder it downloads into. */
import type { Entry, EntryFile } from '../../../lib/control/control.ts'

/** In text form: `name`, or `name/path` below the torrent's folder. */
export function savedPath(
  { name, single }: Pick<Entry, 'name' | 'single'>,
  { path }: Pick<EntryFile, 'path'>
): string {
  return single ? name : `${name}/${path}`
}
