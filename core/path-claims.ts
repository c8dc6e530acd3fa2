/**
 * The paths of one torrent: no two the same, none both a file and a folder.
 *
 * Takes any number of paths in any order, linear in their bytes: a folder's own parents are only
 * looked at when the folder is new. Paths are text joined by `/`, compared exactly.
 */

/** More folders than this in one torrent are refused. */
export const MAX_FOLDERS = 2 ** 20

export class PathClaims {
  readonly #files = new Set<string>()
  readonly #folders = new Set<string>()

  /** Takes a file's path; the answer is why it cannot be, or undefined. */
  add(path: string): string | undefined {
    if (this.#files.has(path)) return `duplicate path: ${path}`
    this.#files.add(path)
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const folder = path.slice(0, end)
      if (this.#folders.has(folder)) break
      this.#folders.add(folder)
      if (this.#folders.size > MAX_FOLDERS) return `more than ${MAX_FOLDERS} folders`
    }
    return undefined
  }

  /** A path that is both a file and a folder, once all are added. */
  clash(): string | undefined {
    const [fewer, more] =
      this.#files.size < this.#folders.size
        ? [this.#files, this.#folders]
        : [this.#folders, this.#files]
    for (const path of fewer) if (more.has(path)) return path
    return undefined
  }
}
