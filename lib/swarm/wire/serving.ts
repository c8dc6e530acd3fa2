/**
 * The upload side of one torrent: what we say we have, who may ask, and what they are given.
 *
 * What is offered follows the store: a piece is offered once it is written, and taken back (BEP 54)
 * when the cache evicts it or the disk lost it. A peer that wants a piece that went is rejected
 * (BEP 6). With many slots nearly nobody is choked; see `choker.ts`.
 */
import type { Metainfo } from '../../../core/metainfo.ts'
import type { PieceKeeper } from '../piece-keeper.ts'
import { allowedFastSet } from './allowed-fast.ts'
import { type ChokePeer, DEFAULT_SLOTS, reviewSlots } from './choker.ts'
import type { Peer } from './peer.ts'
import type { RateLimit } from './rate-limit.ts'
import type { UploadSource, Uploads } from './uploads.ts'

const REVIEW_MS = 2000
/** However often peers change their minds, the slots are reviewed this rarely. */
const LEAST_REVIEW_MS = 50

export interface ServingDeps {
  readonly metainfo: Metainfo
  readonly keeper: Pick<PieceKeeper, 'bits' | 'readRun' | 'evict'>
  /** The open connections by serial. */
  readonly peers: ReadonlyMap<number, Peer>
  readonly uploads: Uploads
  /** What the torrent may send. */
  readonly rate: RateLimit
  /** May the peer be told and given anything? With access `fleet`: once it has proven itself. */
  readonly mayServe: (peer: Peer) => boolean
}

export interface Serving {
  /** Tells a new peer what we have, and lets it ask if there is room. Once per peer. */
  greet(peer: Peer): void
  requested(peer: Peer, index: number, begin: number, length: number): void
  /** A peer changed its mind. */
  interested(peer: Peer): void
  /** A peer came or went. */
  reviewSlots(): void
  /** The piece is written: everybody who lacks it hears of it. */
  offer(index: number): void
  /** Resolves when the pieces are not in use any more. */
  evict(first: number, end: number): Promise<void>
  /** The store may have lost or gained pieces by itself; true if it has. */
  align(): boolean
  /** @param now milliseconds */
  tick(now: number): void
}

export function createServing(deps: ServingDeps): Serving {
  const { metainfo, keeper, peers, uploads } = deps
  const { geometry, infoHash } = metainfo
  const { bits } = keeper
  const offered = bits.haveBitfield()
  /** Evicted pieces whose bits are not cleared yet. */
  const withheld = new Set<number>()
  const chokedSince = new WeakMap<Peer, number>()
  let offeredCount = bits.count()
  let alignedCount = offeredCount
  let reviewedAt = 0
  let reviewDue = false

  const has = (index: number) => ((offered[index >> 3] ?? 0) & (0x80 >> (index & 7))) !== 0
  const source: UploadSource = {
    geometry,
    rate: deps.rate,
    has: (index) => has(index) && bits.has(index),
    readRun: keeper.readRun
  }

  function greet(peer: Peer): void {
    if (peer.uploads !== undefined || !deps.mayServe(peer)) return
    peer.uploads = uploads.open(uploadPeer(peer), source)
    tellPieces(peer)
    let unchoked = 0
    for (const other of peers.values()) if (!other.amChoking) unchoked++
    if (unchoked < DEFAULT_SLOTS) unchoke(peer)
    else if (peer.fast) allowSome(peer)
    peer.flushSoon()
  }

  function tellPieces(peer: Peer): void {
    if (peer.toldPieces) {
      tellHaves(peer)
      return
    }
    peer.toldPieces = true
    if (peer.fast && offeredCount === geometry.pieceCount) peer.outbox.haveAll()
    else if (offeredCount > 0) peer.outbox.bitfield(offered)
    else if (peer.fast) peer.outbox.haveNone()
  }

  /** It was told that we have nothing, before the metainfo was known. */
  function tellHaves(peer: Peer): void {
    for (let index = 0; index < geometry.pieceCount; index++) {
      if (has(index)) peer.outbox.have(index)
    }
  }

  function allowSome(peer: Peer): void {
    const { host } = peer.stream
    for (const index of allowedFastSet({ infoHash, host, pieceCount: geometry.pieceCount })) {
      peer.rights.give(index)
      peer.outbox.allowedFast(index)
    }
  }

  function uploadPeer(peer: Peer) {
    return {
      stream: peer.stream,
      host: peer.stream.host,
      get peerClass() {
        return peer.peerClass
      },
      fast: peer.fast,
      reject(index: number, begin: number, length: number) {
        peer.outbox.reject(index, begin, length)
        peer.flushSoon()
      },
      drop: (reason: string) => peer.close(reason),
      sent(bytes: number) {
        peer.uploadedBytes += bytes
        peer.uploadedAt = Date.now()
      }
    }
  }

  function unchoke(peer: Peer): void {
    peer.amChoking = false
    chokedSince.set(peer, Date.now())
    peer.outbox.unchoke()
    peer.flushSoon()
  }

  function choke(peer: Peer): void {
    peer.amChoking = true
    chokedSince.set(peer, Date.now())
    peer.outbox.choke()
    peer.uploads?.choke()
    peer.flushSoon()
  }

  /** Stock webtorrent does not hear an unchoke right behind the handshake: told again when it asks. */
  function noteInterest(peer: Peer): void {
    if (peer.peerInterested && !peer.amChoking) {
      peer.outbox.unchoke()
      peer.flushSoon()
    }
    reviewSoon()
  }

  function reviewSoon(): void {
    reviewDue = true
    const now = Date.now()
    if (now - reviewedAt >= LEAST_REVIEW_MS) review(now)
  }

  function review(now: number): void {
    reviewDue = false
    reviewedAt = now
    const all = [...peers.values()].filter(({ uploads }) => uploads !== undefined)
    const choices = all.map((peer): ChokePeer & { readonly peer: Peer } => ({
      peer,
      host: peer.stream.host,
      peerClass: peer.peerClass,
      interested: peer.peerInterested,
      choked: peer.amChoking,
      since: chokedSince.get(peer) ?? peer.openedAt
    }))
    const chosen = reviewSlots(choices, DEFAULT_SLOTS, now)
    for (const { peer } of chosen.choke) choke(peer)
    for (const { peer } of chosen.unchoke) unchoke(peer)
  }

  function requested(peer: Peer, index: number, begin: number, length: number): void {
    if (peer.rights.mayRequest(index, peer.amChoking)) peer.uploads?.request(index, begin, length)
    else peer.uploads?.refuse(index, begin, length)
  }

  function set(index: number, present: boolean): void {
    if (has(index) === present) return
    const mask = 0x80 >> (index & 7)
    const byte = offered[index >> 3] ?? 0
    offered[index >> 3] = present ? byte | mask : byte & ~mask
    offeredCount += present ? 1 : -1
    for (const peer of peers.values()) if (peer.toldPieces) tellChange(peer, index, present)
  }

  function tellChange(peer: Peer, index: number, present: boolean): void {
    if (peer.uploads === undefined) return
    if (!present) {
      const gone = Buffer.alloc(4)
      gone.writeUInt32BE(index)
      peer.sendExtended('lt_donthave', gone)
    } else if (!peer.pieces.has(index)) {
      peer.outbox.have(index)
      peer.flushSoon()
    }
  }

  function align(): boolean {
    if (bits.count() === alignedCount) return false
    alignedCount = bits.count()
    for (let index = 0; index < geometry.pieceCount; index++) {
      const present = bits.has(index)
      if (!present) withheld.delete(index)
      set(index, present && !withheld.has(index))
    }
    return true
  }

  return {
    greet,
    requested,
    interested: noteInterest,
    reviewSlots: reviewSoon,
    offer(index) {
      withheld.delete(index)
      alignedCount++
      set(index, true)
    },
    async evict(first, end) {
      for (let index = first; index < end; index++) {
        if (bits.has(index)) withheld.add(index)
        set(index, false)
      }
      await keeper.evict(first, end)
    },
    align,
    tick(now) {
      for (const peer of peers.values()) peer.uploads?.sweep(now)
      if (reviewDue || now - reviewedAt > REVIEW_MS) review(now)
    }
  }
}
