/**
 * Which torrents of the library are complete, known at start without reading a single ledger.
 *
 * The folder `incomplete` beside the library holds an empty file for each torrent that is not: made
 * before such a torrent appears or when a piece is lost, unlinked once a full ledger is durable. A
 * crash in between leaves a marker too many, which the next opening of the torrent removes. So a
 * start with ten thousand torrents is a few hundred `readdir`s.
 */
import { readdir, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type InfoHash, parseInfoHash } from '../../core/info-hash.ts'
import type { Log } from '../process/service.ts'
import type { DurableDisk } from './durable-disk.ts'
import { systemCode } from './store-error.ts'

export interface Completeness {
  has(infoHash: InfoHash): boolean
  isComplete(infoHash: InfoHash): boolean
  list(): Iterable<InfoHash>
  /** An incomplete torrent is about to appear: resolves when its marker is durable. */
  expectIncomplete(infoHash: InfoHash): Promise<void>
  /** Takes a torrent in, or changes what is known of it. */
  set(infoHash: InfoHash, complete: boolean): void
  /** The torrent is gone. */
  delete(infoHash: InfoHash): void
  /** A torrent became complete, or was and is no longer. Returns how to stop listening. */
  onChange(listener: (infoHash: InfoHash, complete: boolean) => void): () => void
  /** Resolves when all markers are as they should be. */
  settled(): Promise<void>
}

export async function openCompleteness(
  folder: string,
  torrents: readonly InfoHash[],
  { disk, log }: { readonly disk: Pick<DurableDisk, 'syncFolder'>; readonly log: Log }
): Promise<Completeness> {
  const complete = new Map<InfoHash, boolean>()
  const listeners = new Set<(infoHash: InfoHash, complete: boolean) => void>()
  let marking: Promise<void> = Promise.resolve()
  for (const infoHash of torrents) complete.set(infoHash, true)
  for (const name of await names(folder)) {
    const infoHash = parseInfoHash(name)
    if (infoHash !== undefined && complete.has(infoHash)) complete.set(infoHash, false)
    else if (infoHash === name) mark(infoHash, false)
  }

  /** Markers change one after the other, so that the last word wins. */
  function mark(infoHash: InfoHash, wanted: boolean): void {
    marking = marking
      .then(() => (wanted ? make(infoHash) : remove(infoHash)))
      .catch((err) => log.warn({ err, infoHash }, 'a marker of incomplete content is wrong'))
  }

  async function make(infoHash: InfoHash): Promise<void> {
    await writeFile(join(folder, infoHash), '')
    await disk.syncFolder(folder)
  }

  async function remove(infoHash: InfoHash): Promise<void> {
    try {
      await unlink(join(folder, infoHash))
    } catch (err) {
      if (systemCode(err) !== 'ENOENT') throw err
    }
  }

  return {
    has: (infoHash) => complete.has(infoHash),
    isComplete: (infoHash) => complete.get(infoHash) === true,
    list: () => complete.keys(),
    async expectIncomplete(infoHash) {
      await marking
      await make(infoHash)
    },
    set(infoHash, whole) {
      const before = complete.get(infoHash)
      if (before === whole) return
      complete.set(infoHash, whole)
      if (before === undefined && !whole) return
      mark(infoHash, !whole)
      for (const listener of listeners) {
        try {
          listener(infoHash, whole)
        } catch (err) {
          log.error({ err, infoHash }, 'a listener of the library failed')
        }
      }
    },
    delete(infoHash) {
      if (complete.delete(infoHash)) mark(infoHash, false)
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    settled: () => marking
  }
}

async function names(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (err) {
    if (systemCode(err) === 'ENOENT') return []
    throw err
  }
}
