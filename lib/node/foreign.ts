/**
 * Torrents that nobody published here, taken part in because somebody asked for them.
 *
 * Their info dictionary comes from the cache's disk, else from strangers (BEP 9): they are looked
 * for with every means this node has, before anybody knows whether the torrent is private. One that
 * turns out to be private leaves the DHT at once (BEP 27). While it is kept here, the node opens it
 * like any other; `leave` ends that.
 * Not its job: how many, how large, how long (`gateway/access/`).
 */
import { AppError } from '../../core/errors.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import { type Metainfo, parseInfo } from '../../core/metainfo.ts'
import type { Cache } from '../store/cache.ts'
import type { PeerAddress } from '../swarm/contract.ts'
import type { Swarm } from '../swarm/swarm.ts'
import type { Discovery } from './discovery.ts'
import type { Sessions } from './sessions.ts'

/** Trackers of a torrent are not asked again sooner, however often it falls asleep. */
const CONSULT_MS = 60_000
/** Missing bytes of a torrent of which nothing is known. */
const UNKNOWN_LEFT = 1

/** What a link says about where peers are. Bounded by whoever read it. */
export interface ForeignHints {
  readonly trackers: readonly string[]
  readonly peers: readonly PeerAddress[]
  /** Whoever asks is on this machine: private addresses may be reached. */
  readonly near: boolean
}

export interface Foreign {
  /**
   * The metainfo, and the torrent joined. Asking again adds the hints.
   * @param accept throws when the torrent is not to be kept
   * @throws AppError METAINFO_INVALID, what `accept` and opening throw, and the signal's reason
   */
  learn(
    infoHash: InfoHash,
    hints: ForeignHints,
    accept: (metainfo: Metainfo) => void,
    signal: AbortSignal
  ): Promise<Metainfo>
  /** Somebody reads it. */
  isBusy(infoHash: InfoHash): boolean
  /** Addresses of peers heard of while it is being learned. */
  heard(infoHash: InfoHash): number
  /** Takes part in it no more; what is cached may stay. One that was published meanwhile stays. */
  leave(infoHash: InfoHash): Promise<void>
}

export interface ForeignDeps {
  readonly cache: Pick<Cache, 'metainfo'> | undefined
  readonly swarm: Pick<Swarm, 'discover' | 'heard'>
  readonly discovery: Pick<Discovery, 'announce' | 'forget' | 'consult'>
  readonly sessions: Pick<Sessions, 'open' | 'get' | 'end'>
  readonly isPublished: (infoHash: InfoHash) => boolean
}

export interface OwnForeign extends Foreign {
  /** The info dictionary of one that is kept. */
  info(infoHash: InfoHash): Uint8Array | undefined
  /** Its session joined the swarm (again): its own trackers are asked as well. */
  joined(infoHash: InfoHash): void
}

interface Kept {
  readonly metainfo: Metainfo
  trackers: readonly string[]
  near: boolean
  consultedAt: number
}

export function createForeign(deps: ForeignDeps): OwnForeign {
  const { swarm, discovery, sessions } = deps
  const kept = new Map<InfoHash, Kept>()

  async function learn(...[infoHash, hints, accept, signal]: Parameters<Foreign['learn']>) {
    const known = kept.get(infoHash)
    if (known !== undefined) {
      takeHints(infoHash, known, hints)
      return known.metainfo
    }
    const consulted = performance.now()
    const onDisk = await deps.cache?.metainfo(infoHash)
    try {
      const metainfo = parseInfo(onDisk ?? (await search(infoHash, hints, signal)))
      accept(metainfo)
      if (metainfo.private && onDisk === undefined) await discovery.forget(infoHash)
      const { trackers, near } = hints
      const consultedAt = onDisk === undefined ? consulted : Number.NEGATIVE_INFINITY
      kept.set(infoHash, { metainfo, trackers, near, consultedAt })
      const session = await sessions.open(infoHash, signal)
      session.join()
      session.introduce(hints.peers)
      // An empty torrent never joins, so nothing of it ends that would end its announcing.
      if (!session.joined) await discovery.forget(infoHash)
      return metainfo
    } catch (err) {
      kept.delete(infoHash)
      if (sessions.get(infoHash) === undefined) await discovery.forget(infoHash)
      throw err
    }
  }

  function search(
    infoHash: InfoHash,
    { peers, trackers, near }: ForeignHints,
    signal: AbortSignal
  ): Promise<Uint8Array> {
    const found = swarm.discover(infoHash, peers, signal)
    discovery.announce(infoHash, () => UNKNOWN_LEFT, undefined, true)
    void discovery.consult(infoHash, trackers, near)
    return found
  }

  function takeHints(infoHash: InfoHash, known: Kept, { trackers, peers, near }: ForeignHints) {
    sessions.get(infoHash)?.introduce(peers)
    if (trackers.length === 0) return
    known.trackers = trackers
    known.near = near
    consult(infoHash, known)
  }

  function consult(infoHash: InfoHash, known: Kept): void {
    const { trackers, near, consultedAt } = known
    if (trackers.length === 0 || performance.now() - consultedAt < CONSULT_MS) return
    known.consultedAt = performance.now()
    void discovery.consult(infoHash, trackers, near)
  }

  async function leave(infoHash: InfoHash): Promise<void> {
    if (!kept.delete(infoHash) || deps.isPublished(infoHash)) return
    await sessions.end(infoHash, new AppError('SHUTTING_DOWN', 'nobody asks for it any more'))
  }

  return {
    learn,
    leave,
    isBusy: (infoHash) => sessions.get(infoHash)?.busy === true,
    heard: (infoHash) => swarm.heard(infoHash),
    info: (infoHash) => kept.get(infoHash)?.metainfo.info,
    joined(infoHash) {
      const known = kept.get(infoHash)
      if (known !== undefined) consult(infoHash, known)
    }
  }
}
