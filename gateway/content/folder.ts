/**
 * What a path below `/{infohash}/` names: a file, a folder or nothing. Never touches a disk.
 *
 * Each entry is indexed once, on the first path asked of it, for as long as the entry is in use:
 * two maps and one object per folder, so memory is bounded by the entry itself. Segments are in
 * `segmentName`'s text form.
 */
import type { Entry, EntryFile } from '../../lib/control/control.ts'

export interface Folder {
  /** Below the torrent's name, joined by `/`; empty for the root. */
  readonly path: string
  /** Its last segment; of the root, the torrent's name. */
  readonly name: string
  /** Bytes of all files below it. */
  readonly size: number
  /** Files below it, at any depth. */
  readonly fileCount: number
  /** Direct children, in the order of the torrent. */
  readonly entries: { readonly folders: readonly Folder[]; readonly files: readonly EntryFile[] }
  /** Its own `index.html`. */
  readonly index: EntryFile | undefined
  /** Every file below it, in the order of the torrent. Walks the folder. */
  files(): readonly EntryFile[]
}

export type Target =
  | { readonly kind: 'file'; readonly file: EntryFile }
  | { readonly kind: 'folder'; readonly folder: Folder }

/**
 * Looks up `{name}/{path…}`, percent-decoded. No segments at all name the root, as `{name}` does
 * of a torrent with a folder; a torrent of a single file has no other folder.
 */
export type ResolvePath = (entry: Entry, segments: readonly string[]) => Target | undefined

/** A lookup with an index of its own. */
export function createPathLookup(): ResolvePath {
  const indexes = new WeakMap<Entry, Index>()

  function indexed(entry: Entry): Index {
    const known = indexes.get(entry)
    if (known !== undefined) return known
    const index = indexOf(entry)
    indexes.set(entry, index)
    return index
  }

  return (entry, segments) => {
    const [name, ...below] = segments
    if (name !== undefined && name !== entry.name) return undefined
    if (name !== undefined && entry.single) {
      const [file] = entry.files
      return below.length > 0 || file === undefined ? undefined : { kind: 'file', file }
    }
    const path = below.join('/')
    const { files, folders } = indexed(entry)
    const folder = folders.get(path)
    if (folder !== undefined) return { kind: 'folder', folder }
    const file = files.get(path)
    return file && { kind: 'file', file }
  }
}

/**
 * A folder of nothing but `file`, named after it: what an archive of one file is made from. Its
 * path is the file's own, which no folder of the torrent has.
 */
export function folderAround(file: EntryFile): Folder {
  return {
    path: file.path,
    name: file.path.slice(file.path.lastIndexOf('/') + 1),
    size: file.size,
    fileCount: 1,
    entries: { folders: [], files: [file] },
    index: undefined,
    files: () => [file]
  }
}

/** Whether a folder only stands for a file. */
export function isAroundFile({ path, entries }: Folder): boolean {
  return entries.files[0]?.path === path
}

interface Index {
  readonly files: ReadonlyMap<string, EntryFile>
  readonly folders: ReadonlyMap<string, Folder>
}

function indexOf(entry: Entry): Index {
  const root = new TorrentFolder('', entry.name, undefined)
  const folders = new Map([['', root]])
  for (const file of entry.files) {
    const end = entry.single ? -1 : file.path.lastIndexOf('/')
    folderAt(folders, root, end < 0 ? '' : file.path.slice(0, end)).add(file)
  }
  // A folder was made after the folder around it, so backwards every sum is complete.
  for (const folder of [...folders.values()].reverse()) folder.close()
  const files = new Map(entry.single ? [] : entry.files.map((file) => [file.path, file]))
  return { files, folders }
}

function folderAt(
  folders: Map<string, TorrentFolder>,
  root: TorrentFolder,
  path: string
): TorrentFolder {
  let around = folders.get(path)
  for (let end = path.length; around === undefined; ) {
    end = path.lastIndexOf('/', end - 1)
    around = end < 0 ? root : folders.get(path.slice(0, end))
  }
  while (around.path.length < path.length) {
    const start = around === root ? 0 : around.path.length + 1
    const slash = path.indexOf('/', start)
    const end = slash < 0 ? path.length : slash
    around = around.open(path.slice(0, end), path.slice(start, end))
    folders.set(around.path, around)
  }
  return around
}

class TorrentFolder implements Folder {
  readonly path: string
  readonly name: string
  readonly #around: TorrentFolder | undefined
  readonly #folders: TorrentFolder[] = []
  readonly #files: EntryFile[] = []
  #size = 0
  #fileCount = 0
  #index: EntryFile | undefined

  constructor(path: string, name: string, around: TorrentFolder | undefined) {
    this.path = path
    this.name = name
    this.#around = around
  }

  get size(): number {
    return this.#size
  }

  get fileCount(): number {
    return this.#fileCount
  }

  get entries(): Folder['entries'] {
    return { folders: this.#folders, files: this.#files }
  }

  get index(): EntryFile | undefined {
    return this.#index
  }

  files(): readonly EntryFile[] {
    if (this.#folders.length === 0) return this.#files
    const found: EntryFile[] = []
    const left: TorrentFolder[] = [this]
    for (let folder = left.pop(); folder !== undefined; folder = left.pop()) {
      for (const file of folder.#files) found.push(file)
      for (const below of folder.#folders) left.push(below)
    }
    return found.sort((a, b) => a.index - b.index)
  }

  open(path: string, name: string): TorrentFolder {
    const folder = new TorrentFolder(path, name, this)
    this.#folders.push(folder)
    return folder
  }

  add(file: EntryFile): void {
    this.#files.push(file)
    this.#size += file.size
    this.#fileCount++
    if (file.path === (this.path === '' ? 'index.html' : `${this.path}/index.html`)) {
      this.#index = file
    }
  }

  /** Everything below has its sums: they become part of the folder around. */
  close(): void {
    if (this.#around === undefined) return
    this.#around.#size += this.#size
    this.#around.#fileCount += this.#fileCount
  }
}
