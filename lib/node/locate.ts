/**
 * Where a torrent is kept on this node: in the library, else in the cache.
 *
 * Metainfo comes from the disk, else from the tracker, else (while the tracker is down or hangs)
 * from a holder over the wire: the infohash proves it, whoever sent it.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '../../core/errors.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import { infoHashOf } from '../../core/info-hash.ts'
import { type Metainfo, parseInfo } from '../../core/metainfo.ts'
import type { Control } from '../control/control.ts'
import { abortable } from '../process/abortable.ts'
import type { Cache } from '../store/cache.ts'
import type { Library } from '../store/library.ts'
import type { Sidecar } from '../store/metainfo-file.ts'
import type { PieceStore } from '../store/piece-store.ts'
import type { PeerAddress } from '../swarm/contract.ts'
import type { Swarm } from '../swarm/swarm.ts'

/** How long the tracker is waited for before holders are asked as well. */
const PATIENCE_MS = 1000

export interface MetainfoDeps {
  readonly control: Pick<Control, 'metainfo'>
  readonly swarm: Pick<Swarm, 'approach' | 'discover'>
  readonly fleetPeers: (infoHash: InfoHash) => readonly PeerAddress[]
  readonly patienceMs?: number
}

export interface LocateDeps extends MetainfoDeps {
  readonly library: Pick<Library, 'open' | 'has' | 'create'> | undefined
  readonly cache: Pick<Cache, 'open' | 'metainfo'> | undefined
  /** The info dictionary of a torrent that nobody published; default none. */
  readonly foreignInfo?: (infoHash: InfoHash) => Uint8Array | undefined
  /** What the catalogue says of a torrent's files. */
  readonly sidecarOf: (infoHash: InfoHash) => Sidecar | undefined
}

/**
 * Opens the store of a torrent that this node may read. A torrent of the library whose metainfo
 * is damaged is mended.
 * @throws AppError CONTENT_UNKNOWN when it is nowhere, TRACKER_UNAVAILABLE when nobody who knows
 *   the metainfo answers.
 */
export async function locate(
  infoHash: InfoHash,
  deps: LocateDeps,
  signal: AbortSignal
): Promise<PieceStore> {
  const { library, cache } = deps
  const held = await library?.open(infoHash)
  if (held !== undefined) return held
  if (library?.has(infoHash) === true) {
    return library.create(await fetchMetainfo(infoHash, deps, signal), deps.sidecarOf(infoHash))
  }
  if (cache === undefined) {
    throw new AppError('CONTENT_UNKNOWN', `${infoHash} is not in this node's library`)
  }
  const kept = (await cache.metainfo(infoHash)) ?? deps.foreignInfo?.(infoHash)
  return cache.open(parseInfo(kept ?? (await fetchInfo(infoHash, deps, signal))))
}

/** The metainfo of a torrent this node does not have on its disk, validated. */
export async function fetchMetainfo(
  infoHash: InfoHash,
  deps: MetainfoDeps,
  signal: AbortSignal
): Promise<Metainfo> {
  return parseInfo(await fetchInfo(infoHash, deps, signal))
}

async function fetchInfo(
  infoHash: InfoHash,
  deps: MetainfoDeps,
  signal: AbortSignal
): Promise<Uint8Array> {
  const info = await askAround(infoHash, deps, signal)
  if (info === undefined) {
    throw new AppError('CONTENT_UNKNOWN', `the tracker has no metainfo of ${infoHash}`)
  }
  if (infoHashOf(info) !== infoHash) {
    throw new AppError('INTERNAL', `the metainfo handed out for ${infoHash} is of another torrent`)
  }
  return info
}

const NO_ANSWER: unique symbol = Symbol('no answer')
type Word = Uint8Array | undefined | typeof NO_ANSWER

/** The tracker first; once it is down or slow, the holders too, and whoever answers first counts. */
async function askAround(
  infoHash: InfoHash,
  { control, swarm, fleetPeers, patienceMs = PATIENCE_MS }: MetainfoDeps,
  signal: AbortSignal
): Promise<Uint8Array | undefined> {
  const holders = fleetPeers(infoHash)
  const over = new AbortController()
  // The bytes will come from them in any case: the connections are made meanwhile.
  swarm.approach(infoHash, holders)
  const waiting = AbortSignal.any([signal, over.signal])
  const asked = abortable(control.metainfo(infoHash), waiting)
  const word = asked.catch((err): Word => {
    if (err instanceof AppError && err.code === 'TRACKER_UNAVAILABLE') return NO_ANSWER
    throw err
  })
  try {
    const patience = delay<Word>(patienceMs, NO_ANSWER, { signal: waiting })
    const first = await Promise.race([word, patience])
    if (first !== NO_ANSWER) return first
    if (holders.length === 0) return await asked
    const found = swarm.discover(infoHash, holders, waiting)
    return await Promise.race([
      found,
      word.then((answer) => (answer === NO_ANSWER ? found : answer))
    ])
  } finally {
    over.abort()
  }
}
