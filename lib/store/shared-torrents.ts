/**
 * The torrents of a store that are in use: each is opened once, however many ask, and closed when
 * the last of them has closed. What is done to one torrent is done one thing after the other.
 */
import { AppError } from '../../core/errors.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import { createKeyedSerial } from './keyed-serial.ts'

export interface Hold<T> {
  readonly torrent: T
  /** May be called twice; the second call waits for the first. */
  release(): Promise<void>
}

export interface SharedTorrents<T> {
  /** Runs `job` when nothing else is being done to the torrent. */
  exclusively<R>(infoHash: InfoHash, job: () => Promise<R>): Promise<R>
  get(infoHash: InfoHash): T | undefined
  /** Within `exclusively`: one more user; `open` is called for the first. */
  hold(infoHash: InfoHash, open: () => Promise<T>): Promise<Hold<T>>
  /** Within `exclusively`: takes the torrent from its users, whose releases then do nothing. */
  take(infoHash: InfoHash): T | undefined
  /** Refuses new jobs, waits for the running ones, then closes what is still open. */
  close(): Promise<void>
}

interface Entry<T> {
  readonly torrent: T
  users: number
}

export function createSharedTorrents<T>(
  closeTorrent: (torrent: T) => Promise<void>
): SharedTorrents<T> {
  const serial = createKeyedSerial<InfoHash>()
  const entries = new Map<InfoHash, Entry<T>>()
  let closing: Promise<void> | undefined

  function exclusively<R>(infoHash: InfoHash, job: () => Promise<R>): Promise<R> {
    if (closing === undefined) return serial.run(infoHash, job)
    return Promise.reject(new AppError('SHUTTING_DOWN', 'the store is closing'))
  }

  async function hold(infoHash: InfoHash, open: () => Promise<T>): Promise<Hold<T>> {
    const entry = entries.get(infoHash) ?? { torrent: await open(), users: 0 }
    entries.set(infoHash, entry)
    entry.users++
    let released: Promise<void> | undefined
    return {
      torrent: entry.torrent,
      release() {
        released ??= serial.run(infoHash, () => leave(infoHash, entry))
        return released
      }
    }
  }

  async function leave(infoHash: InfoHash, entry: Entry<T>): Promise<void> {
    entry.users--
    if (entry.users > 0 || entries.get(infoHash) !== entry) return
    entries.delete(infoHash)
    await closeTorrent(entry.torrent)
  }

  function take(infoHash: InfoHash): T | undefined {
    const entry = entries.get(infoHash)
    entries.delete(infoHash)
    return entry?.torrent
  }

  async function closeAll(): Promise<void> {
    await serial.settled()
    const open = [...entries.values()]
    entries.clear()
    await Promise.all(open.map(({ torrent }) => closeTorrent(torrent)))
    await serial.settled()
  }

  return {
    exclusively,
    get: (infoHash) => entries.get(infoHash)?.torrent,
    hold,
    take,
    close() {
      closing ??= closeAll()
      return closing
    }
  }
}
