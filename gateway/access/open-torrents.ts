/**
 * The unpublished torrents that an open gateway takes part in at the moment.
 *
 * Bounded in number and size, so that nobody makes us join every swarm he can name. At the limit
 * the one asked for longest ago gives way, if nobody reads it and it had its minute; else the request
 * is refused (429). One that nobody asked for in a while is left. A torrent is learned once, however
 * many ask, and no longer when all of them have gone. What was found too large or invalid is
 * remembered for a while: nobody fetches its metainfo again.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '../../core/errors.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import type { Metainfo } from '../../core/metainfo.ts'
import { formatSize } from '../../core/units.ts'
import type { Entry } from '../../lib/control/control.ts'
import type { Foreign, ForeignHints } from '../../lib/node/foreign.ts'
import { abortable } from '../../lib/process/abortable.ts'
import { deadline } from '../../lib/process/deadline.ts'
import type { Log, Service } from '../../lib/process/service.ts'
import { foreignEntry } from './foreign-entry.ts'

/** For so long a torrent does not give way to another. */
const LEAST_STAY_MS = 60_000
const MAX_LEARNING = 32
const MAX_REFUSED = 1000
const REFUSED_MS = 10 * 60_000
const RETRY_S = 10

export interface OpenTorrentsConfig {
  readonly maxTorrents: number
  /** Size of the largest torrent. */
  readonly maxBytes: number
  readonly idleMs: number
  /** How long the metainfo of a torrent may take. */
  readonly learnMs: number
  /** How often idle torrents are looked for; default a quarter of `idleMs`, at most 10 s. */
  readonly sweepMs?: number
}

export interface OpenTorrentsDeps {
  readonly foreign: Foreign
  readonly log: Log
  /** Monotonic milliseconds. */
  readonly now?: () => number
}

export interface OpenTorrents extends Service {
  has(infoHash: InfoHash): boolean
  /**
   * @throws AppError SWARM_NO_PEERS or SWARM_TIMEOUT when its metainfo does not come in time,
   *   TORRENT_TOO_LARGE, METAINFO_INVALID, QUOTA_EXCEEDED; the signal's reason
   */
  find(infoHash: InfoHash, hints: ForeignHints, signal: AbortSignal): Promise<Entry>
}

interface Open {
  readonly entry: Entry
  readonly since: number
  usedAt: number
}

interface Flight {
  readonly promise: Promise<Open>
  readonly abort: AbortController
  waiters: number
}

interface Refusal {
  readonly error: AppError
  readonly until: number
}

export function createOpenTorrents(
  config: OpenTorrentsConfig,
  { foreign, log, now = () => performance.now() }: OpenTorrentsDeps
): OpenTorrents {
  const open = new Map<InfoHash, Open>()
  const flights = new Map<InfoHash, Flight>()
  const refused = new Map<InfoHash, Refusal>()
  const leaving = new Map<InfoHash, Promise<void>>()
  const stop = new AbortController()
  const running = loop()

  async function find(
    infoHash: InfoHash,
    hints: ForeignHints,
    signal: AbortSignal
  ): Promise<Entry> {
    signal.throwIfAborted()
    const known = open.get(infoHash)
    if (known !== undefined) {
      known.usedAt = now()
      return known.entry
    }
    throwIfRefused(infoHash)
    const flight = flights.get(infoHash) ?? takeOff(infoHash, hints)
    flight.waiters++
    try {
      return (await abortable(flight.promise, signal)).entry
    } finally {
      flight.waiters--
      if (flight.waiters === 0) flight.abort.abort(signal.reason)
    }
  }

  function takeOff(infoHash: InfoHash, hints: ForeignHints): Flight {
    makeRoom()
    const abort = new AbortController()
    const promise = learn(infoHash, hints, abort.signal).finally(() => {
      if (flights.get(infoHash) === flight) flights.delete(infoHash)
    })
    promise.catch(() => {})
    const flight: Flight = { promise, abort, waiters: 0 }
    flights.set(infoHash, flight)
    // Whoever asks after all have gone begins anew.
    abort.signal.addEventListener('abort', () => {
      if (flights.get(infoHash) === flight) flights.delete(infoHash)
    })
    return flight
  }

  async function learn(infoHash: InfoHash, hints: ForeignHints, signal: AbortSignal) {
    using limit = deadline(config.learnMs, () => tooLate(infoHash), signal, stop.signal)
    try {
      await leaving.get(infoHash)
      const metainfo = await foreign.learn(infoHash, hints, accept, limit.signal)
      const torrent: Open = { entry: foreignEntry(metainfo), since: now(), usedAt: now() }
      open.set(infoHash, torrent)
      log.info({ infoHash, bytes: torrent.entry.size }, 'an unpublished torrent is open')
      return torrent
    } catch (err) {
      if (err instanceof AppError && isLasting(err)) refuse(infoHash, err)
      throw err
    }
  }

  function accept({ geometry, infoHash }: Metainfo): void {
    if (geometry.size <= config.maxBytes) return
    const sizes = `${formatSize(geometry.size)}, and ${formatSize(config.maxBytes)} is the limit`
    throw new AppError('TORRENT_TOO_LARGE', `${infoHash} has ${sizes}.`)
  }

  function tooLate(infoHash: InfoHash): AppError {
    const peers = foreign.heard(infoHash)
    const waited = `no metainfo within ${config.learnMs / 1000} s; phase: metadata`
    const code = peers === 0 ? 'SWARM_NO_PEERS' : 'SWARM_TIMEOUT'
    return new AppError(code, `${waited}; peers found: ${peers}`, { retryAfter: RETRY_S })
  }

  function refuse(infoHash: InfoHash, error: AppError): void {
    refused.delete(infoHash)
    refused.set(infoHash, { error, until: now() + REFUSED_MS })
    for (const oldest of refused.keys()) {
      if (refused.size <= MAX_REFUSED) break
      refused.delete(oldest)
    }
  }

  function throwIfRefused(infoHash: InfoHash): void {
    const refusal = refused.get(infoHash)
    if (refusal === undefined) return
    if (now() < refusal.until) {
      const { code, message, errors } = refusal.error
      throw new AppError(code, message, errors === undefined ? {} : { errors })
    }
    refused.delete(infoHash)
  }

  function makeRoom(): void {
    if (flights.size >= Math.min(MAX_LEARNING, config.maxTorrents)) throw busy()
    if (open.size + flights.size < config.maxTorrents) return
    const oldest = [...open]
      .filter(([infoHash, { since }]) => now() - since >= LEAST_STAY_MS && !isUsed(infoHash))
      .reduce<readonly [InfoHash, Open] | undefined>(
        (best, each) => (best === undefined || each[1].usedAt < best[1].usedAt ? each : best),
        undefined
      )
    if (oldest === undefined) throw busy()
    leave(oldest[0])
  }

  function busy(): AppError {
    const detail = 'This gateway is busy with as many unpublished torrents as it takes.'
    return new AppError('QUOTA_EXCEEDED', detail, { retryAfter: RETRY_S })
  }

  /** A long response asks once, at its beginning: reading is use as well. */
  function isUsed(infoHash: InfoHash): boolean {
    const torrent = open.get(infoHash)
    if (torrent === undefined || !foreign.isBusy(infoHash)) return false
    torrent.usedAt = now()
    return true
  }

  function leave(infoHash: InfoHash): void {
    open.delete(infoHash)
    const left = foreign
      .leave(infoHash)
      .catch((err) => log.error({ err, infoHash }, 'an unpublished torrent was not left cleanly'))
      .finally(() => leaving.delete(infoHash))
    leaving.set(infoHash, left)
  }

  function sweep(): void {
    for (const [infoHash, { usedAt }] of open) {
      if (!isUsed(infoHash) && now() - usedAt >= config.idleMs) leave(infoHash)
    }
  }

  async function loop(): Promise<void> {
    const everyMs = config.sweepMs ?? Math.min(10_000, config.idleMs / 4)
    while (!stop.signal.aborted) {
      await delay(everyMs, undefined, { signal: stop.signal }).catch(() => {})
      if (!stop.signal.aborted) sweep()
    }
  }

  return {
    name: 'open torrents',
    has: (infoHash) => open.has(infoHash),
    find,
    async close() {
      stop.abort(new AppError('SHUTTING_DOWN', 'the gateway is closing'))
      await running
      await Promise.allSettled([...flights.values()].map(({ promise }) => promise))
      await Promise.all(leaving.values())
    }
  }
}

/** Told by the metainfo itself: it will be the same the next time. */
function isLasting({ code }: AppError): boolean {
  return code === 'TORRENT_TOO_LARGE' || code === 'METAINFO_INVALID'
}
