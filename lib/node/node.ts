/**
 * The node of a process: one library, one cache, one swarm, one announcer, one view of the fleet,
 * whatever roles it runs.
 *
 * A torrent is in the library (durable) or in the cache (evictable), never in both, and `open`
 * asks the library first. The node knows nothing of HTTP and nothing of uploads.
 */
import { AppError } from '../../core/errors.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import type { Control, NodeId, NodeRegistration, NodeReport, Role } from '../control/control.ts'
import type { Replica } from '../control/replica.ts'
import type { Log, Service } from '../process/service.ts'
import type { Cache } from '../store/cache.ts'
import type { DiskSpace } from '../store/disk-space.ts'
import type { Library } from '../store/library.ts'
import type { PeerAddress, TorrentStats } from '../swarm/contract.ts'
import type { Swarm } from '../swarm/swarm.ts'
import { createAnnouncing } from './announcing.ts'
import type { Discovery } from './discovery.ts'
import { createForeign, type Foreign } from './foreign.ts'
import { watchHoldings } from './holdings.ts'
import { createIntake } from './intake.ts'
import { fetchMetainfo, locate } from './locate.ts'
import { type Membership, startMembership } from './membership.ts'
import { createRestriction, type Objection } from './restriction.ts'
import type { Session } from './session.ts'
import { createSessions } from './sessions.ts'
import { wirePeers } from './wire-peers.ts'

const SESSIONS = { maxOpen: 1000, idleMs: 5 * 60_000, sweepMs: 1000 }

export interface NodeDeps {
  readonly id: NodeId
  readonly roles: readonly Role[]
  readonly library: Library | undefined
  readonly cache: Cache | undefined
  /** Of the library's volume. */
  readonly space?: Pick<DiskSpace, 'short' | 'onLook'> | undefined
  readonly swarm: Swarm
  readonly announcer: Discovery
  readonly replica: Replica
  readonly control: Control
  readonly log: Log
}

/** What a registration says beyond what the node knows of itself. */
export interface Enlistment
  extends Pick<NodeRegistration, 'wire' | 'ingestUrl' | 'zone' | 'wantsKey'> {
  /** Undefined: what is free on the disk, less 10 %. */
  readonly capacityBytes: number | undefined
}

export interface Node extends Service {
  readonly id: NodeId
  readonly library: Library | undefined
  readonly cache: Cache | undefined
  readonly replica: Replica
  readonly control: Control
  /** Whether any of the torrent may be on the disk, so that `open` asks nobody for its metainfo. */
  holds(infoHash: InfoHash): boolean
  /** A torrent for reading: from the library, else through the cache. */
  open(infoHash: InfoHash, signal: AbortSignal): Promise<Session>
  /** Torrents that nobody published. */
  readonly foreign: Foreign
  /**
   * From now on the cache offers nothing against which there is an objection. Call the result when
   * objections may have changed: what is in use is then looked at. Whoever opens asks by himself.
   */
  restrict(objection: Objection): () => void
  /** Tells the world that the library now holds this torrent in full. */
  share(infoHash: InfoHash): Promise<void>
  /** Fetches a torrent into the library. Resolves when it is complete, durable and reported. */
  host(infoHash: InfoHash, signal: AbortSignal): Promise<void>
  /** A complete torrent's piece was found wrong on the disk: peers hear of it, it is fetched anew. */
  mend(infoHash: InfoHash, index: number): void
  /** Deletes every trace of an unpublished torrent; running readers are reset. */
  drop(infoHash: InfoHash): Promise<void>
  /** What the swarm sees of a torrent; undefined for one that is not joined. */
  statsOf(infoHash: InfoHash): TorrentStats | undefined
  /** Registers with the tracker and stays registered. */
  enlist(enlistment: Enlistment): void
  readonly enlisted: boolean
}

export function createNode(deps: NodeDeps): Node {
  const { id, library, cache, swarm, announcer, replica, control, log } = deps
  let membership: Membership | undefined
  const dropping = new Map<InfoHash, Promise<void>>()

  const fleetPeers = (infoHash: InfoHash): PeerAddress[] =>
    wirePeers(infoHash, replica.holders(infoHash), id)
  const announcing = createAnnouncing({ announcer, swarm, replica })
  const holdings = watchHoldings({ ...deps, announcing })
  const foreignInfo = (infoHash: InfoHash) => foreign.info(infoHash)
  const locateDeps = { library, cache, control, swarm, fleetPeers, foreignInfo, sidecarOf }
  const sessions = createSessions(SESSIONS, {
    swarm,
    locate: (infoHash, signal) => locate(infoHash, locateDeps, signal),
    fleetPeers,
    mayHoard: () => deps.space?.short !== true,
    onJoin: (session) => {
      announcing.joined(session)
      foreign.joined(session.infoHash)
    },
    onClosed: (infoHash) => {
      if (library?.complete(infoHash) !== true) void announcing.forget(infoHash)
      leaveCache(infoHash)
    },
    log
  })

  const foreign = createForeign({
    ...{ cache, swarm, sessions },
    discovery: announcer,
    isPublished: (infoHash) => replica.entry(infoHash) !== undefined
  })
  const restriction = createRestriction({ sessions, cache, log })

  const intake = createIntake({
    ...deps,
    space: deps.space,
    sessions,
    announcing,
    sidecarOf,
    fetchMetainfo: (infoHash, signal) => fetchMetainfo(infoHash, locateDeps, signal)
  })

  const stopListening = [
    swarm.on({
      knock: (infoHash) => void answerKnock(infoHash),
      verified: (infoHash, index, from) => sessions.get(infoHash)?.noteVerified(index, from),
      failed: (infoHash, index, where) => {
        log.warn({ infoHash, index, where }, 'piece failed verification')
        if (where === 'disk') repair(infoHash, index)
      }
    }),
    replica.on((change) => {
      if (change.type === 'entry' && change.entry.state === 'unpublished') {
        forget(change.entry.infoHash)
      } else if (change.type === 'holding' && change.holding.held) {
        introduceFleet(change.holding.infoHash)
      } else if (change.type === 'node' && change.node.live) {
        for (const session of sessions.all()) introduceFleet(session.infoHash)
      }
    }),
    deps.space?.onLook(followRoom)
  ]
  let wasShort = false

  /** Fetching for the library stops before the disk is full and goes on when it is not. */
  function followRoom(): void {
    const short = deps.space?.short === true
    if (short === wasShort) return
    wasShort = short
    for (const session of sessions.all()) session.reconsider()
  }

  /** The library's part is the seeder's to retire, in turn with uploads of the same bytes. */
  function forget(infoHash: InfoHash): void {
    if (library?.has(infoHash) === true) return
    drop(infoHash).catch((err) => log.error({ err, infoHash }, 'unpublished content stayed'))
  }

  function introduceFleet(infoHash: InfoHash): void {
    const session = sessions.get(infoHash)
    if (session?.joined) session.introduce(fleetPeers(infoHash))
  }

  function holds(infoHash: InfoHash): boolean {
    return library?.has(infoHash) === true || cache?.has(infoHash) === true
  }

  /** A peer asks for a torrent that sleeps: wake it if this node holds any of it. */
  async function answerKnock(infoHash: InfoHash): Promise<void> {
    if (!holds(infoHash)) return
    if (replica.entry(infoHash)?.state === 'unpublished') return
    if (library?.has(infoHash) !== true && restriction.objection(infoHash)) return
    try {
      const session = await sessions.open(infoHash, AbortSignal.timeout(5000))
      session.join()
    } catch (err) {
      log.warn({ err, infoHash }, 'a torrent did not wake for a peer')
    }
  }

  /** Bytes on our disk were wrong: what the library lost, it fetches again. */
  function repair(infoHash: InfoHash, index: number): void {
    const session = sessions.get(infoHash)
    session?.store.noteFailed(index)
    if (session?.store.kind === 'library') session.hoard()
  }

  async function host(infoHash: InfoHash, signal: AbortSignal): Promise<void> {
    await intake(infoHash, signal)
    await holdings.share(infoHash)
  }

  /** Bytes of the library were found wrong by somebody who is no engine. */
  function mend(infoHash: InfoHash, index: number): void {
    log.warn({ infoHash, index, where: 'disk' }, 'piece failed verification')
    const session = sessions.get(infoHash)
    if (session?.joined !== true) return
    swarm
      .evict(infoHash, index, index + 1)
      .then(() => session.hoard())
      .catch((err) => log.warn({ err, infoHash, index }, 'a wrong piece was not taken back'))
  }

  async function share(infoHash: InfoHash): Promise<void> {
    if (sessions.get(infoHash) === undefined) leaveCache(infoHash)
    await holdings.share(infoHash)
  }

  /** A torrent that came into the library is read from the cache no more. */
  function leaveCache(infoHash: InfoHash): void {
    if (library?.has(infoHash) !== true || cache?.has(infoHash) !== true) return
    cache.drop(infoHash).catch((err) => log.warn({ err, infoHash }, 'a cached copy stayed'))
  }

  function sidecarOf(infoHash: InfoHash) {
    const entry = replica.entry(infoHash)
    if (entry === undefined) return undefined
    const files = entry.files.map(({ sha256, crc32 }) => ({ sha256, crc32 }))
    return { files, createdAt: entry.createdAt }
  }

  /** One at a time per torrent: whoever asks while it goes waits for the same deletion. */
  function drop(infoHash: InfoHash): Promise<void> {
    const running = dropping.get(infoHash)
    if (running !== undefined) return running
    const dropped = removeAll(infoHash).finally(() => dropping.delete(infoHash))
    dropping.set(infoHash, dropped)
    return dropped
  }

  async function removeAll(infoHash: InfoHash): Promise<void> {
    const here = holds(infoHash)
    await sessions.end(infoHash, gone(infoHash), async () => {
      await library?.remove(infoHash)
      await cache?.drop(infoHash)
    })
    if (!here) return
    holdings.forget(infoHash)
    await announcing.forget(infoHash)
    log.info({ infoHash }, 'unpublished content deleted')
  }

  function enlist(enlistment: Enlistment): void {
    async function describe(): Promise<NodeRegistration> {
      const state = await report()
      const capacityBytes = enlistment.capacityBytes ?? Math.floor(state.freeBytes * 0.9)
      return { ...enlistment, ...state, capacityBytes, id, roles: deps.roles }
    }
    membership ??= startMembership(id, { control, describe, onRegistered: holdings.reportAll, log })
  }

  async function report(): Promise<NodeReport> {
    return { freeBytes: (await library?.freeBytes()) ?? 0, draining: false }
  }

  return {
    name: 'node',
    id,
    library,
    cache,
    replica,
    control,
    holds,
    open: sessions.open,
    foreign,
    restrict(objection) {
      restriction.objection = objection
      return restriction.review
    },
    share,
    host,
    mend,
    drop,
    statsOf: (infoHash) => swarm.stats(infoHash),
    enlist,
    get enlisted() {
      return membership?.registered ?? false
    },
    async close() {
      for (const stop of stopListening) stop?.()
      holdings.stop()
      await membership?.close()
      await sessions.close()
    }
  }
}

function gone(infoHash: InfoHash): AppError {
  return new AppError('CONTENT_GONE', `${infoHash} was unpublished`)
}
