/**
 * Where a torrent is kept on this node: in the library, else in the cache.
 *
 * Metainfo comes from the disk, else from the tracker, else (while the tracker is down) from a
 * holder over the wire: the infohash proves it, whoever sent it.
 */
import { AppError } from '../../core/errors.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import { infoHashOf } from '../../core/info-hash.ts'
import { type Metainfo, parseInfo } from '../../core/metainfo.ts'
import type { Control } from '../control/control.ts'
import type { Cache } from '../store/cache.ts'
import type { Library } from '../store/library.ts'
import type { PieceStore } from '../store/piece-store.ts'
import type { PeerAddress } from '../swarm/contract.ts'
import type { Swarm } from '../swarm/swarm.ts'

export interface LocateDeps {
  readonly library: Pick<Library, 'open'> | undefined
  readonly cache: Pick<Cache, 'open' | 'metainfo'> | undefined
  readonly control: Pick<Control, 'metainfo'>
  readonly swarm: Pick<Swarm, 'discover'>
  readonly fleetPeers: (infoHash: InfoHash) => readonly PeerAddress[]
}

/**
 * Opens the store of a torrent that this node may read.
 * @throws AppError CONTENT_UNKNOWN when it is nowhere, TRACKER_UNAVAILABLE when nobody who knows
 *   the metainfo answers.
 */
export async function locate(
  infoHash: InfoHash,
  deps: LocateDeps,
  signal: AbortSignal
): Promise<PieceStore> {
  const kept = await deps.library?.open(infoHash)
  if (kept !== undefined) return kept
  if (deps.cache === undefined) {
    throw new AppError('CONTENT_UNKNOWN', `${infoHash} is not in this node's library`)
  }
  const info = (await deps.cache.metainfo(infoHash)) ?? (await fetchInfo(infoHash, deps, signal))
  return deps.cache.open(parseInfo(info))
}

/** The metainfo of a torrent this node does not have on its disk, validated. */
export async function fetchMetainfo(
  infoHash: InfoHash,
  deps: Pick<LocateDeps, 'control' | 'swarm' | 'fleetPeers'>,
  signal: AbortSignal
): Promise<Metainfo> {
  return parseInfo(await fetchInfo(infoHash, deps, signal))
}

async function fetchInfo(
  infoHash: InfoHash,
  deps: Pick<LocateDeps, 'control' | 'swarm' | 'fleetPeers'>,
  signal: AbortSignal
): Promise<Uint8Array> {
  const info = await askTracker(infoHash, deps, signal)
  if (info === undefined) {
    throw new AppError('CONTENT_UNKNOWN', `the tracker has no metainfo of ${infoHash}`)
  }
  if (infoHashOf(info) !== infoHash) {
    throw new AppError('INTERNAL', `the metainfo handed out for ${infoHash} is of another torrent`)
  }
  return info
}

async function askTracker(
  infoHash: InfoHash,
  deps: Pick<LocateDeps, 'control' | 'swarm' | 'fleetPeers'>,
  signal: AbortSignal
): Promise<Uint8Array | undefined> {
  try {
    return await deps.control.metainfo(infoHash)
  } catch (err) {
    const peers = deps.fleetPeers(infoHash)
    const down = err instanceof AppError && err.code === 'TRACKER_UNAVAILABLE'
    if (!down || peers.length === 0) throw err
    return deps.swarm.discover(infoHash, peers, signal)
  }
}
