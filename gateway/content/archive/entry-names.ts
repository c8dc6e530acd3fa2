/**
 * What the files of a folder are called in an archive of it.
 *
 * Names come from strangers and are unpacked by every kind of program, so nothing in them may
 * leave the folder they are unpacked in or mean two things: no `..`, no absolute path, no
 * backslash, no drive letter, no control or reordering character, UTF-8 only. A name that is
 * harmless stays as it is; another is changed the same way every time, never to a name that its
 * folder has already.
 */
import type { EntryFile } from '../../../lib/control/control.ts'
import { type Folder, isAroundFile } from '../folder.ts'

export interface ArchivedFile {
  readonly file: EntryFile
  /** Relative, joined by `/`, below the folder's own name. */
  readonly name: string
}

/** Every file below `folder`, in the order of the torrent. */
export function archivedFiles(folder: Folder, single: boolean): readonly ArchivedFile[] {
  const found: ArchivedFile[] = []
  // A file that is in no folder here is in none in the archive either.
  const bare = single || isAroundFile(folder)
  const left = [{ folder, prefix: bare ? '' : `${harmless(folder.name)}/` }]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { folders, files } = next.folder.entries
    const nameOf = siblingNames([
      ...folders.map(({ name }) => name),
      ...files.map(({ path }) => lastSegment(path))
    ])
    for (const below of folders) {
      left.push({ folder: below, prefix: `${next.prefix}${nameOf(below.name)}/` })
    }
    for (const file of files) {
      found.push({ file, name: next.prefix + nameOf(lastSegment(file.path)) })
    }
  }
  return found.sort((a, b) => a.file.index - b.file.index)
}

/** One segment of a path, made harmless. */
export function harmless(segment: string): string {
  if (!SUSPECT.test(segment)) return segment
  const name = segment
    .replace(
      RAW_BYTE,
      (character) => `%${(character.codePointAt(0) ?? 0).toString(16).slice(-2).toUpperCase()}`
    )
    .replace(/[\\/\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '_')
    .replace(/^([a-z]):/i, '$1_')
  // Windows drops dots and spaces at the end, so that `.. ` is the folder around there.
  return /^[. ]*$/.test(name) ? `${name.replaceAll('.', '_')}_` : name
}

/** Most names have nothing of this; U+DBFF begins the characters below. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const SUSPECT = /[\\/\0-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\udbff]|^[a-z]:|^[. ]*$/i

/** The bytes of a name that are not UTF-8, as `segmentName` writes them. */
const RAW_BYTE = /[\u{10fe80}-\u{10feff}]/gu

/** The final names of one folder's children: only those that had to be changed may move. */
function siblingNames(names: readonly string[]): (name: string) => string {
  const changed = names.filter((name) => harmless(name) !== name)
  if (changed.length === 0) return (name) => name
  const taken = new Set(names)
  const tries = new Map<string, number>()
  const final = new Map<string, string>()
  for (const name of changed) {
    const wanted = harmless(name)
    let free = wanted
    // Goes on where it stopped for this name: a folder of nothing else costs linear time.
    for (let number = tries.get(wanted) ?? 2; taken.has(free); number++) {
      free = numbered(wanted, number)
      tries.set(wanted, number + 1)
    }
    taken.add(free)
    final.set(name, free)
  }
  return (name) => final.get(name) ?? name
}

function numbered(name: string, number: number): string {
  const dot = name.lastIndexOf('.')
  return dot > 0 ? `${name.slice(0, dot)}~${number}${name.slice(dot)}` : `${name}~${number}`
}

function lastSegment(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
