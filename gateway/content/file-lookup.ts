/** Finds the file that a path below `/{infohash}/` names, without touching the disk. */
import type { Entry, EntryFile } from '../../lib/control/control.ts'

/** Looks up `{name}` or `{name}/{path…}`, percent-decoded; undefined when there is no such file. */
export type FileLookup = (entry: Entry, segments: readonly string[]) => EntryFile | undefined

/** A lookup that indexes each catalogue entry once, for as long as the entry is in use. */
export function createFileLookup(): FileLookup {
  const indexes = new WeakMap<Entry, ReadonlyMap<string, EntryFile>>()

  function indexOf(entry: Entry): ReadonlyMap<string, EntryFile> {
    const known = indexes.get(entry)
    if (known !== undefined) return known
    const index = new Map(entry.files.map((file) => [file.path, file]))
    indexes.set(entry, index)
    return index
  }

  return (entry, [name, ...path]) => {
    if (name !== entry.name) return undefined
    if (entry.single !== (path.length === 0)) return undefined
    return indexOf(entry).get(entry.single ? name : path.join('/'))
  }
}
