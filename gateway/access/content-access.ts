/**
 * What a gateway serves: the entry of the torrent that a content URL names.
 *
 * Mode `closed` and `signed`: what is published. `open`: that first, a tombstone included, then any
 * torrent that strangers have (`open-torrents.ts`). The denylist comes before all of it. Whether a
 * request may see it by its link is `link-gate.ts`'s.
 */
import type { InfoHash } from '../../core/info-hash.ts'
import type { Entry } from '../../lib/control/control.ts'
import type { Replica } from '../../lib/control/replica.ts'
import type { ForeignHints } from '../../lib/node/foreign.ts'
import { publishedEntry } from '../published-entry.ts'
import type { Denylist, DenyWatch } from './denylist.ts'
import type { OpenTorrents } from './open-torrents.ts'

const NO_HINTS: ForeignHints = { trackers: [], peers: [], near: false }

export interface ContentAccess {
  /**
   * The entry to serve. In mode `open` it may come from strangers: with hints they are found better.
   * @throws AppError CONTENT_DENIED, CONTENT_DENIED_LEGAL; those of `publishedEntry`; in mode `open`
   *   instead of CONTENT_UNKNOWN those of `OpenTorrents.find`
   */
  find(infoHash: InfoHash, signal: AbortSignal, hints?: ForeignHints): Promise<Entry>
  /** Throws CONTENT_DENIED or CONTENT_DENIED_LEGAL for a file or folder. */
  check(infoHash: InfoHash, segments: readonly string[]): void
  /** For the life of a response: aborted when what it sends gets denied. */
  watch(infoHash: InfoHash, segments?: readonly string[]): DenyWatch
  /** The entry without the files that are denied: what listings and archives show. */
  visible(entry: Entry): Entry
}

export interface ContentAccessDeps {
  readonly replica: Pick<Replica, 'entry' | 'lookup'>
  readonly denylist: Denylist
  /** Undefined in every mode but `open`. */
  readonly openTorrents: Pick<OpenTorrents, 'find' | 'has'> | undefined
}

export function createContentAccess(deps: ContentAccessDeps): ContentAccess {
  const { replica, denylist, openTorrents } = deps
  /** What is visible of an entry, by the list as it is now: others remember things by the entry. */
  let shown = new WeakMap<Entry, Entry>()
  denylist.onChange(() => {
    shown = new WeakMap()
  })

  async function find(
    infoHash: InfoHash,
    signal: AbortSignal,
    hints: ForeignHints = NO_HINTS
  ): Promise<Entry> {
    denylist.check(infoHash)
    if (openTorrents === undefined) return publishedEntry(replica, infoHash, signal)
    // An open one is not asked for again at the tracker: its feed tells when it gets published.
    const isKnown = replica.entry(infoHash) !== undefined
    if (!isKnown && openTorrents.has(infoHash)) return openTorrents.find(infoHash, hints, signal)
    const isUnknown = !isKnown && (await replica.lookup(infoHash, signal)) === undefined
    return isUnknown
      ? openTorrents.find(infoHash, hints, signal)
      : publishedEntry(replica, infoHash, signal)
  }

  function visible(entry: Entry): Entry {
    if (!denylist.hasPaths(entry.infoHash)) return entry
    const known = shown.get(entry) ?? withoutDenied(entry)
    shown.set(entry, known)
    return known
  }

  function withoutDenied(entry: Entry): Entry {
    const { infoHash, name, single } = entry
    const files = entry.files.filter(({ path }) => {
      const segments = single ? [name] : [name, ...path.split('/')]
      return denylist.verdict(infoHash, segments) === undefined
    })
    return files.length === entry.files.length ? entry : { ...entry, files }
  }

  return {
    find,
    check: (infoHash, segments) => denylist.check(infoHash, segments),
    watch: (infoHash, segments) => denylist.watch(infoHash, segments),
    visible
  }
}
