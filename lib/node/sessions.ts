/**
 * The sessions of a process: each torrent is opened once, however many ask, and put to sleep
 * when nobody has used it for a while.
 *
 * Bounded: at the limit the session idle for longest goes, and if all are busy the request is
 * refused, so that a crawler cannot make us join every swarm it can name.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '../../core/errors.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import { abortable } from '../process/abortable.ts'
import type { Log, Service } from '../process/service.ts'
import type { PieceStore } from '../store/piece-store.ts'
import type { PeerAddress } from '../swarm/contract.ts'
import { createLingering } from './lingering.ts'
import { createSession, type Session, type SessionDeps } from './session.ts'

export interface SessionsConfig {
  readonly maxOpen: number
  /** A session that nobody reads and no byte moves through for this long is closed. */
  readonly idleMs: number
  /** How often stranded sessions are introduced to the fleet again. */
  readonly sweepMs: number
}

export interface SessionsDeps {
  readonly swarm: SessionDeps['swarm']
  /** Finds or makes the store of a torrent; rejects with an AppError when it cannot. */
  readonly locate: (infoHash: InfoHash, signal: AbortSignal) => Promise<PieceStore>
  readonly fleetPeers: (infoHash: InfoHash) => readonly PeerAddress[]
  /** See `SessionDeps`. */
  readonly mayHoard?: () => boolean
  readonly onJoin: (session: Session) => void
  readonly onClosed: (infoHash: InfoHash) => void
  readonly log: Log
}

export interface Sessions extends Service {
  /** The session of a torrent, opened if need be. Rejects with the signal's reason when aborted. */
  open(infoHash: InfoHash, signal: AbortSignal): Promise<Session>
  get(infoHash: InfoHash): Session | undefined
  all(): Iterable<Session>
  /**
   * Ends the session for `reason`, which its readers and those who wait for it see, then runs
   * `move` before the torrent can be opened again. Rejects with what `move` rejects with.
   */
  end(infoHash: InfoHash, reason: Error, move?: () => Promise<void>): Promise<void>
}

/** Windows that readers of all torrents left: as much as two large windows. */
const LINGERING = { ms: 2000, maxCount: 64, maxBytes: 64 * 2 ** 20 }

interface Opening {
  readonly promise: Promise<Session>
  readonly abort: AbortController
  waiters: number
}

export function createSessions(config: SessionsConfig, deps: SessionsDeps): Sessions {
  const stop = new AbortController()
  const sessions = new Map<InfoHash, Session>()
  const opening = new Map<InfoHash, Opening>()
  const closing = new Map<InfoHash, Promise<void>>()
  const lingering = createLingering(LINGERING)
  const sweeping = sweepLoop()

  async function open(infoHash: InfoHash, signal: AbortSignal): Promise<Session> {
    signal.throwIfAborted()
    const known = sessions.get(infoHash)
    if (known !== undefined) return known

    const flight = opening.get(infoHash) ?? startOpening(infoHash)
    if (flight.abort.signal.aborted) {
      await abortable(settled(flight.promise), signal)
      return open(infoHash, signal)
    }
    flight.waiters++
    try {
      return await abortable(flight.promise, signal)
    } finally {
      flight.waiters--
      if (flight.waiters === 0) flight.abort.abort(signal.reason)
    }
  }

  /** The flight is aborted only when everybody who waits for it has gone. */
  function startOpening(infoHash: InfoHash): Opening {
    const abort = new AbortController()
    const signal = AbortSignal.any([abort.signal, stop.signal])
    const promise = (async () => {
      await closing.get(infoHash)
      await makeRoom()
      signal.throwIfAborted()
      const store = await deps.locate(infoHash, signal)
      if (signal.aborted) {
        await store.close()
        throw signal.reason
      }
      const session = createSession(store, {
        swarm: deps.swarm,
        fleetPeers: () => deps.fleetPeers(infoHash),
        lingering,
        mayHoard: () => deps.mayHoard?.() !== false,
        onJoin: () => deps.onJoin(session)
      })
      sessions.set(infoHash, session)
      return session
    })().finally(() => opening.delete(infoHash))
    promise.catch(() => {})
    const flight = { promise, abort, waiters: 0 }
    opening.set(infoHash, flight)
    return flight
  }

  /** Openings count too, the caller's among them: many at once must not pass the limit. */
  async function makeRoom(): Promise<void> {
    if (sessions.size + opening.size <= config.maxOpen) return
    let oldest: Session | undefined
    for (const session of sessions.values()) {
      if (!session.busy && session.usedAt < (oldest?.usedAt ?? Infinity)) oldest = session
    }
    if (oldest === undefined) {
      throw new AppError(
        'QUOTA_EXCEEDED',
        `all ${config.maxOpen} torrents this node may open are in use`,
        {
          retryAfter: 5
        }
      )
    }
    await end(oldest.infoHash, new AppError('SHUTTING_DOWN', 'closed to make room for others'))
  }

  function end(infoHash: InfoHash, reason: Error, move = async () => {}): Promise<void> {
    const flight = opening.get(infoHash)
    const session = sessions.get(infoHash)
    const before = closing.get(infoHash)
    flight?.abort.abort(reason)
    sessions.delete(infoHash)
    // At once, so that its readers hear of it before anybody hears that it has ended.
    const closed = session && closeSession(session, reason)
    const ended = (async () => {
      await before
      if (flight !== undefined) await settled(flight.promise)
      await closed
      await move()
    })()
    const free = settled(ended).finally(() => {
      if (closing.get(infoHash) === free) closing.delete(infoHash)
    })
    closing.set(infoHash, free)
    return ended
  }

  async function closeSession(session: Session, reason: Error): Promise<void> {
    const { infoHash } = session
    try {
      await session.close(reason)
    } catch (err) {
      deps.log.error({ err, infoHash }, 'a torrent did not close cleanly')
    }
    deps.onClosed(infoHash)
  }

  async function sweepLoop(): Promise<void> {
    while (!stop.signal.aborted) {
      await delay(config.sweepMs, undefined, { signal: stop.signal }).catch(() => {})
      if (!stop.signal.aborted) sweep()
    }
  }

  function sweep(): void {
    const idleSince = Date.now() - config.idleMs
    for (const session of sessions.values()) {
      if (session.stranded) session.introduce(deps.fleetPeers(session.infoHash))
      session.noteTraffic()
      if (!session.busy && session.usedAt < idleSince) putToSleep(session.infoHash)
    }
  }

  /** Idle peers do not keep it awake: two nodes would keep each other's for ever. */
  function putToSleep(infoHash: InfoHash): void {
    end(infoHash, new AppError('SHUTTING_DOWN', 'put to sleep')).catch((err) =>
      deps.log.error({ err, infoHash }, 'a torrent did not close cleanly')
    )
  }

  return {
    name: 'sessions',
    open,
    get: (infoHash) => sessions.get(infoHash),
    all: () => sessions.values(),
    end,
    async close() {
      const reason = new AppError('SHUTTING_DOWN', 'the node is shutting down')
      stop.abort(reason)
      await lingering.close()
      await sweeping
      await Promise.allSettled([...opening.values()].map(({ promise }) => promise))
      await Promise.all([...sessions.keys()].map((infoHash) => end(infoHash, reason)))
      await Promise.all(closing.values())
    }
  }
}

/** Resolves when `work` has ended, however it ended. */
async function settled(work: Promise<unknown>): Promise<void> {
  await work.catch(() => {})
}
