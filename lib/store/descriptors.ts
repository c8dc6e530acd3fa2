/**
 * The open files of one thread: a bounded pool of descriptors, counted by use.
 *
 * Guarantees: no more than `max` files are open; a file in use is never closed; when all are in
 * use the next waits for its turn, the one idle for longest goes first. After `forget` no earlier
 * descriptor of those paths is left, so that an unlinked file gives its blocks back.
 * Not its job: what is read or written, and durability (a close proves nothing; `fdatasync` does).
 */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { AppError } from '../../core/errors.ts'

/** `create` is `r+` that makes the file when it is absent and never truncates it. */
export type OpenMode = 'r' | 'r+' | 'create'

export interface Descriptors {
  /**
   * Calls `fn` with the open file and resolves with its outcome. `fn` must not call `use` itself:
   * in a full pool it would wait for itself. Rejects with the system's error if opening fails.
   */
  use<T>(path: string, mode: OpenMode, fn: (handle: FileHandle) => Promise<T>): Promise<T>
  /** Closes what is open of this path and of everything below it, once nobody uses it. */
  forget(path: string): Promise<void>
  /** Refuses new uses and resolves when everything is closed. */
  close(): Promise<void>
}

interface Entry {
  readonly key: string
  readonly path: string
  readonly handle: Promise<FileHandle>
  /** The handle is open; until then only uses of the same key may share it. */
  opened: boolean
  users: number
  /** Set when the entry must close as soon as its last user is gone. */
  onIdle: (() => void) | undefined
}

const FLAGS: Readonly<Record<OpenMode, number>> = {
  r: constants.O_RDONLY,
  'r+': constants.O_RDWR,
  create: constants.O_RDWR | constants.O_CREAT
}

export function createDescriptors({ max }: { readonly max: number }): Descriptors {
  /** In order of last use, the longest unused first. */
  const entries = new Map<string, Entry>()
  const retiring = new Set<Promise<void>>()
  const queue: (() => void)[] = []
  let held = 0
  let closing: Promise<void> | undefined

  async function use<T>(
    path: string,
    mode: OpenMode,
    fn: (handle: FileHandle) => Promise<T>
  ): Promise<T> {
    if (closing !== undefined) throw new AppError('SHUTTING_DOWN', 'the store is closing')
    const entry = find(path, mode) ?? add(path, mode)
    entry.users++
    try {
      return await fn(await entry.handle)
    } finally {
      entry.users--
      if (entry.users === 0) rest(entry)
    }
  }

  /** A writable descriptor also reads, but a reader never depends on one that may fail to open. */
  function find(path: string, mode: OpenMode): Entry | undefined {
    const writable = entries.get(`w${path}`)
    if (writable !== undefined && (mode !== 'r' || writable.opened)) return writable
    return mode === 'r' ? entries.get(`r${path}`) : undefined
  }

  function add(path: string, mode: OpenMode): Entry {
    const key = (mode === 'r' ? 'r' : 'w') + path
    const entry: Entry = {
      key,
      path,
      handle: openInTurn(path, FLAGS[mode]),
      opened: false,
      users: 0,
      onIdle: undefined
    }
    entry.handle.then(
      () => {
        entry.opened = true
      },
      () => {
        if (entries.get(key) === entry) entries.delete(key)
      }
    )
    entries.set(key, entry)
    return entry
  }

  async function openInTurn(path: string, flags: number): Promise<FileHandle> {
    await takeSlot()
    try {
      return await open(path, flags, 0o644)
    } catch (err) {
      giveSlot()
      throw err
    }
  }

  function takeSlot(): Promise<void> | undefined {
    if (held < max) {
      held++
      return undefined
    }
    return new Promise((resolve) => {
      queue.push(resolve)
      shed()
    })
  }

  function giveSlot(): void {
    const next = queue.shift()
    if (next === undefined) held--
    else next()
  }

  /** Closes the file idle for longest, if any is idle: its slot goes to the head of the queue. */
  function shed(): void {
    for (const entry of entries.values()) {
      if (entry.users > 0) continue
      void retire(entry)
      return
    }
  }

  function rest(entry: Entry): void {
    entry.onIdle?.()
    if (entries.get(entry.key) !== entry) return
    entries.delete(entry.key)
    entries.set(entry.key, entry)
    if (queue.length > 0) void retire(entry)
  }

  /** Takes the entry out of the pool and closes it once idle. Never rejects. */
  function retire(entry: Entry): Promise<void> {
    entries.delete(entry.key)
    const idle =
      entry.users === 0
        ? Promise.resolve()
        : new Promise<void>((resolve) => {
            entry.onIdle = resolve
          })
    const done = idle.then(() => shut(entry)).finally(() => retiring.delete(done))
    retiring.add(done)
    return done
  }

  async function shut(entry: Entry): Promise<void> {
    const handle = await entry.handle.catch(() => undefined)
    if (handle === undefined) return
    await handle.close().catch(() => {})
    giveSlot()
  }

  async function forget(path: string): Promise<void> {
    const below = `${path}/`
    const gone = [...entries.values()].filter(
      (entry) => entry.path === path || entry.path.startsWith(below)
    )
    await Promise.all(gone.map(retire))
  }

  async function closeAll(): Promise<void> {
    await Promise.all([...entries.values()].map(retire))
    while (retiring.size > 0) await Promise.all(retiring)
  }

  return {
    use,
    forget,
    close() {
      closing ??= closeAll()
      return closing
    }
  }
}
