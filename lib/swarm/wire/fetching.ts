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

export interface FetchingDeps extends Pick<AskingDeps, 'peers' | 'allow' | 'mayAsk'> {
  readonly metainfo: Metainfo
  readonly keeper: PieceKeeper
  readonly pool: BufferPool
  readonly classOf: (serial: number) => PeerClass
  readonly events: Omit<CompletionEvents, 'settled'>
}

export interface Fetching extends Receiving {
  setWant(want: Want): void
  /** Something is wanted that is not here. */
  readonly hungry: boolean
  /** Pieces of windows that are missing, by deadline. */
  readonly wanted: readonly number[]
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
    events: { ...deps.events, settled: () => ended || restart() }
  })
  const picker = new Picker({
    geometry: metainfo.geometry,
    has: (index) => bits.has(index) || completion.holds(index),
    isSuspect: completion.isSuspect,
    pool
  })
  const asking = createAsking({ ...deps, geometry: metainfo.geometry, picker })
  const receiving = createReceiving({ picker, peers, asking, finish })

  function restart(): void {
    asking.changed()
    asking.askAll()
  }

  function finish(piece: PieceInFlight): void {
    picker.take(piece.index)
    asking.cancelPiece(piece.index)
    completion.finish(piece)
  }

  function setWant(want: Want): void {
    if (ended) return
    completion.retry()
    picker.setWant(want)
    for (const index of [...picker.active.keys()]) {
      if (!picker.wanted.includes(index)) asking.giveUp(index)
    }
    review()
  }

  function review(): void {
    if (ended) return
    asking.changed()
    for (const peer of peers.values()) asking.reviewInterest(peer)
    asking.askAll()
  }

  function gained(peer: Peer, index: number | undefined): void {
    if (index === undefined) picker.availability.join(peer.pieces)
    else picker.availability.gain(peer.pieces, index)
    peer.dryAt = -1
    if (!peer.amInterested || index === undefined) asking.reviewInterest(peer)
    asking.ask(peer)
  }

  function turned(peer: Peer): void {
    peer.dryAt = -1
    // Without BEP 6 a choke means that nothing asked before will come.
    if (peer.peerChoking && !peer.fast) asking.releaseAll(peer, true)
    else asking.ask(peer)
  }

  function closed(peer: Peer): void {
    picker.availability.leave(peer.pieces)
    peer.arrival?.piece.abandon(peer.arrival.block)
    peer.arrival = undefined
    if (!ended) asking.releaseAll(peer, false)
  }

  function tick(now: number): void {
    if (ended) return
    completion.tick(now)
    watchSilence({ peers, picker, asking }, now)
    for (const peer of peers.values()) {
      peer.dryAt = -1
      asking.ask(peer)
    }
  }

  return {
    ...receiving,
    setWant,
    get hungry() {
      const { all, ordered } = picker.wanted
      return ordered.length > 0 || (all && !bits.full)
    },
    get wanted() {
      return picker.wanted.ordered
    },
    gained,
    lost: (peer, index) => picker.availability.lose(peer.pieces, index),
    turned,
    closed,
    review,
    tick,
    async close() {
      ended = true
      for (const index of [...picker.active.keys()]) asking.giveUp(index)
      await completion.close()
    }
  }
}
