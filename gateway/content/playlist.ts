/**
 * What can be played in a folder, as an extended M3U playlist.
 *
 * Whole URLs, so that it works wherever it is saved. It is UTF-8 under the type that every player
 * knows, `audio/x-mpegurl`: `application/vnd.apple.mpegurl` means HLS, and browsers play that.
 */
import { contentUrlPath } from '../../core/content-path.ts'
import type { Entry, EntryFile } from '../../lib/control/control.ts'
import type { Folder } from './folder.ts'
import { isPlayable } from './media-type.ts'
import { inNaturalOrder } from './natural-order.ts'

export const PLAYLIST_TYPE = 'audio/x-mpegurl; charset=utf-8'

/** No player is helped by more. */
const MAX_ITEMS = 10_000
/** Files that are looked at to know whether a folder has something to play. */
const MAX_PROBED = 500

/**
 * The playlist of the audio and video files below `folder`, in the order people expect.
 * @param baseUrl what comes before `/{infohash}`, without a trailing slash.
 */
export function playlistOf(entry: Entry, folder: Folder, baseUrl: string): string {
  const media = folder.files().filter(isPlayed).slice(0, MAX_ITEMS)
  const items = inNaturalOrder(media, ({ path }) => path).map((file) => {
    const { path } = file
    const url = contentUrlPath(entry.infoHash, entry.name, entry.single ? undefined : path)
    return `#EXTINF:-1,${line(path.slice(path.lastIndexOf('/') + 1))}\n${baseUrl}${url}\n`
  })
  return `#EXTM3U\n#PLAYLIST:${line(folder.name)}\n${items.join('')}`
}

/** Whether a playlist of `folder` would have something in it, as far as a quick look tells. */
export function hasMedia(folder: Folder): boolean {
  const left = [folder]
  let probed = 0
  for (let next = left.pop(); next !== undefined && probed < MAX_PROBED; next = left.pop()) {
    const { folders, files } = next.entries
    const some = files.slice(0, MAX_PROBED - probed)
    if (some.some(isPlayed)) return true
    probed += some.length
    left.push(...folders.slice(0, MAX_PROBED - probed))
  }
  return false
}

const isPlayed = ({ path }: EntryFile) => isPlayable(path)

/** A name that stays on its line. */
function line(name: string): string {
  return name.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
}
