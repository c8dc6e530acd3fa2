/**
 * A torrent whose metainfo is known: fetching and serving joined at the store.
 *
 * What is written is offered; what is evicted or lost is taken back. Gateways of the fleet share
 * the pieces out among themselves. Seeds drop seeds: neither has anything for the other.
 */

import type { Metainfo } from '../../../core/metainfo.ts'
import { parseInfo } from '../../../core/metainfo.ts'
import type { EngineTorrent, Want } from '../contract.ts'
import { createPieceKeeper } from '../piece-keeper.ts'
import type { EngineParts } from './engine-parts.ts'
import { createFetching, type Fetching } from './fetching.ts'
import type { Peer } from './peer.ts'
import { allocateRateLimit, createRateLimit, type RateLimit, UNLIMITED } from './rate-limit.ts'
import { createServing, type Serving } from './serving.ts'
import { createShareOut, type SharingGateway } from './share-out.ts'

const TROUBLE_MS = 5000
const ALIGN_MS = 500

export type SharingSpec = Pick<EngineTorrent, 'infoHash' | 'info' | 'pieces' | 'want'>

export interface SharingDeps extends EngineParts {
  /** The open connections by serial. */
  readonly peers: ReadonlyMap<number, Peer>
  readonly mayServe: (peer: Peer) => boolean
  /** This connection sent wrong bytes. */
  readonly guilty: (serial: number) => void
}

export interface Sharing {
  readonly metainfo: Metainfo
  readonly fetching: Fetching
  readonly serving: Serving
  /** Everything is here and nothing is wanted. */
  readonly complete: boolean
  setWant(want: Want): void
  /** A connection is there, or has proven itself: it is told what we have. */
  opened(peer: Peer): void
  /** It told what it is for (BEP 10, 21). */
  introduced(peer: Peer): void
  gained(peer: Peer, index: number | undefined): void
  closed(peer: Peer): void
  /** A node of the fleet came or went. */
  reviewFleet(): void
  /** About ten times a second. @param now milliseconds */
  tick(now: number): void
  /** Resolves when no file is in use any more. */
  close(): Promise<void>
}

/** Throws AppError METAINFO_INVALID when `spec.info` is not metainfo. */
export function createSharing(spec: SharingSpec, deps: SharingDeps): Sharing {
  const { infoHash } = spec
  const { peers, post, config } = deps
  const metainfo = parseInfo(spec.info)
  const shareOut = createShareOut(config.fleet?.nodeId ?? '')
  const splits = config.fleet?.role === 'gateway'
  let troubledAt = 0
  let alignedAt = 0

  const keeper = createPieceKeeper(metainfo, spec.pieces, deps, {
    onLost(index) {
      post({ type: 'failed', infoHash, index, where: 'disk' })
      realign()
    },
    onTrouble: trouble
  })
  const serving = createServing({
    ...deps,
    metainfo,
    keeper,
    rate: rateOf(config.torrentUploadRate)
  })
  const fetching = createFetching({
    ...deps,
    metainfo,
    keeper,
    classOf: (serial) => peers.get(serial)?.peerClass ?? 'stranger',
    mayAsk,
    events: {
      verified(index, from) {
        shareOut.forget(index)
        serving.offer(index)
        post({ type: 'verified', infoHash, index, from })
        if (keeper.bits.full) dropSeeds()
      },
      failed: (index) => post({ type: 'failed', infoHash, index, where: 'wire' }),
      guilty: deps.guilty
    }
  })
  fetching.setWant(spec.want)

  function trouble(message: string): void {
    const now = Date.now()
    if (now - troubledAt < TROUBLE_MS) return
    troubledAt = now
    post({ type: 'trouble', infoHash, message })
  }

  function mayAsk(peer: Peer, index: number, now: number): boolean {
    if (!splits || peer.peerClass !== 'seeder') return true
    const { rate } = peer.pace
    const pieceMs = rate > 0 ? (metainfo.geometry.pieceLength * 1000) / rate : 0
    return shareOut.isOurs(index, now, pieceMs)
  }

  function realign(): void {
    if (serving.align()) fetching.review()
  }

  function isComplete(): boolean {
    return keeper.bits.full && !fetching.hungry
  }

  function dropSeeds(): void {
    for (const peer of [...peers.values()]) dropIfSeed(peer)
  }

  function dropIfSeed(peer: Peer): void {
    if (isComplete() && peer.finished && !peer.peerInterested) peer.close('both have everything')
  }

  return {
    metainfo,
    fetching,
    serving,
    get complete() {
      return isComplete()
    },
    setWant(want) {
      realign()
      const { all, windows } = want
      shareOut.retain(
        (index) => all || windows.some(({ first, end }) => index >= first && index < end)
      )
      fetching.setWant(want)
    },
    opened(peer) {
      if (!deps.mayServe(peer)) return
      serving.greet(peer)
      // A browser does not hear what comes right behind the handshake: told with its pieces.
      const hears = peer.stream.transport !== 'webrtc'
      if (hears && fetching.hungry && !peer.amInterested) {
        peer.amInterested = true
        peer.outbox.interested()
        peer.flushSoon()
      }
    },
    introduced: dropIfSeed,
    gained(peer, index) {
      if (peer.node !== undefined && index !== undefined) {
        shareOut.gained(peer.node, index, Date.now())
      }
      fetching.gained(peer, index)
      dropIfSeed(peer)
    },
    closed(peer) {
      fetching.closed(peer)
      serving.reviewSlots()
    },
    reviewFleet() {
      if (!splits) return
      const gateways = [...peers.values()].flatMap((peer): SharingGateway[] => {
        const { node, peerClass, pieces } = peer
        if (node === undefined || peerClass !== 'gateway') return []
        return [
          {
            node,
            has: (index) => pieces.has(index),
            get gainedAt() {
              return peer.gainedAt
            }
          }
        ]
      })
      shareOut.gateways(gateways)
      fetching.review()
    },
    tick(now) {
      if (now - alignedAt >= ALIGN_MS) {
        alignedAt = now
        realign()
      }
      fetching.tick(now)
      serving.tick(now)
    },
    async close() {
      await fetching.close()
      await keeper.close()
    }
  }
}

function rateOf(bytesPerSecond: number | undefined): RateLimit {
  return bytesPerSecond === undefined
    ? UNLIMITED
    : createRateLimit(allocateRateLimit(), bytesPerSecond)
}
