/**
 * The download side of one torrent.
 *
 * A piece goes this way: picked (`picker.ts`), asked for (`asking.ts`), received block by block into
 * its buffer (`receiving.ts`), hashed, written, its bits set, told (`completion.ts`). Nothing waits
 * for a peer that is silent (`silence.ts`).
 */
import type { Metainfo } from '../../../core/metainfo.ts'
import type { PeerClass, Want } from '../contract.ts'
import type { PieceKeeper } from '../piece-keeper.ts'
import { type AskingDeps, createAsking } from './asking.ts'
import type { BufferPool } from './buffer-pool.ts'
import { type CompletionEvents, createCompletion } from './completion.ts'
import type { Peer } from './peer.ts'
import { Picker } from './picker.ts'
import type { PieceInFlight } from './piece-in-flight.ts'
import { createReceiving, type Receiving } from './receiving.ts'
import { watchSilence } from './silence.ts'

export interface FetchingDeps extends Pick<AskingDeps, 'peers' | 'download' | 'mayAsk'> {
  readonly metainfo: Metainfo
  readonly keeper: Pick<PieceKeeper, 'bits' | 'write'>
  readonly pool: BufferPool
  readonly classOf: (serial: number) => PeerClass
  readonly events: Omit<CompletionEvents, 'settled'>
}

export interface Fetching extends Receiving {
  setWant(want: Want): void
  /** Something is wanted that is not here. */
  readonly hungry: boolean
  /** The peer has a piece more; undefined: it told all it has. */
  gained(peer: Peer, index: number | undefined): void
  lost(peer: Peer, index: number): void
  /** The peer choked, unchoked, or allows a piece. */
  turned(peer: Peer): void
  closed(peer: Peer): void
  /** The store gained or lost pieces, or the rules of who may be asked changed. */
  review(): void
  /** About ten times a second. @param now milliseconds */
  tick(now: number): void
  /** Resolves when nothing is being written. */
  close(): Promise<void>
}

export function createFetching(deps: FetchingDeps): Fetching {
  const { metainfo, keeper, pool, peers } = deps
  const { bits } = keeper
  let ended = false
  const completion = createCompletion({
    ...deps,
    events: { ...deps.events, settled: (again) => ended || settled(again) }
  })
  const picker = new Picker({
    geometry: metainfo.geometry,
    has: (index) => bits.has(index) || completion.holds(index),
    isSuspect: completion.isSuspect,
    pool
  })
  const asking = createAsking({ ...deps, geometry: metainfo.geometry, picker })
  const receiving = createReceiving({ picker, peers, asking, finish })

  function settled(again: boolean): void {
    if (again) picker.review()
    if (bits.full) for (const peer of peers.values()) asking.reviewInterest(peer)
    if (!again && !picker.flight.starved) return
    picker.flight.starved = false
    asking.wake()
  }

  function finish(piece: PieceInFlight): void {
    picker.flight.take(piece.index)
    completion.finish(piece)
  }

  function setWant(want: Want): void {
    if (ended) return
    completion.retry()
    picker.setWant(want)
    asking.giveUp(picker.flight.indices().filter((index) => !picker.wanted.includes(index)))
    review()
  }

  function review(): void {
    if (ended) return
    picker.review()
    for (const peer of peers.values()) asking.reviewInterest(peer)
    asking.wake()
  }

  function gained(peer: Peer, index: number | undefined): void {
    if (index === undefined) {
      picker.availability.join(peer.pieces)
      asking.reviewInterest(peer)
    } else {
      picker.availability.gain(peer.pieces, index)
      if (!picker.needs(index)) return
      if (!peer.amInterested) asking.reviewInterest(peer)
    }
    asking.wakePeer(peer)
  }

  function turned(peer: Peer): void {
    // Without BEP 6 a choke means that nothing asked before will come.
    if (peer.peerChoking && !peer.fast) asking.releaseAll(peer, true)
    else asking.wakePeer(peer)
  }

  function closed(peer: Peer): void {
    picker.availability.leave(peer.pieces)
    peer.arrival?.piece.abandon(peer.arrival.block)
    peer.arrival = undefined
    asking.releaseAll(peer, false)
  }

  function tick(now: number): void {
    if (ended) return
    completion.tick(now)
    watchSilence({ peers, picker, asking }, now)
    asking.tick(now)
  }

  return {
    ...receiving,
    setWant,
    get hungry() {
      return picker.wanted.heads().length > 0 || (picker.wanted.all && !bits.full)
    },
    gained,
    lost: (peer, index) => picker.availability.lose(peer.pieces, index),
    turned,
    closed,
    review,
    tick,
    async close() {
      ended = true
      picker.setWant({ all: false, windows: [] })
      asking.giveUp(picker.flight.indices())
      await completion.close()
    }
  }
}
