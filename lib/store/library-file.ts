/**
 * Where a file of a torrent lies in the library, for another program that is to read it.
 *
 * The one way by which a place on the disk leaves the store, and only for a file whose every byte
 * could be read through the store right now: that program checks nothing.
 */
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { PieceStore } from './piece-store.ts'
import { torrentFolders } from './torrent-folders.ts'

export interface LibraryFile {
  /** Of the machine. */
  readonly absolute: string
  /** Below the folder `library`: digits, letters and slashes only, none at its start. */
  readonly relative: string
}

const BELOW = torrentFolders('')

/**
 * The place of file `index`, if `store` is a complete library, every piece of the file is proven,
 * and the file has the size it should have; undefined otherwise. Never rejects.
 */
export async function provenFile(
  store: PieceStore,
  index: number
): Promise<LibraryFile | undefined> {
  const file = store.metainfo.files[index]
  const { layout } = store.shared
  if (file === undefined || layout.kind !== 'library' || !store.complete) return undefined
  const span = { start: file.offset, end: file.offset + file.size }
  if (store.provenPrefix(span).end < span.end) return undefined
  const absolute = resolve(layout.folder, String(index))
  // A file that was cut is noticed by whoever reads it: the other program would not.
  const found = await stat(absolute).catch(() => undefined)
  if (found?.isFile() !== true || found.size !== file.size) return undefined
  return { absolute, relative: join(BELOW.files(store.infoHash), String(index)) }
}
