/**
 * Learning an info dictionary from peers (BEP 9), several at once, none of them trusted.
 *
 * Only the whole can be checked, against the infohash. Peers that claim one size share the work; when
 * their whole is wrong, any of them may have lied, so from then on each one is asked for all of it:
 * the first honest one ends the search, and who gives a wrong whole alone is a liar. Different sizes
 * never mix. Guarantees: memory follows the bytes that came, `2 * maxBytes` in all, after which the
 * gathering that has waited longest is dropped.
 * Not its job: deadlines of the whole, validating what the dictionary says, disconnecting liars.
 */
import { type InfoHash, infoHashOf } from '../../../core/info-hash.ts'
import { MetadataGathering } from './metadata-gathering.ts'

/** Pieces asked of one peer at once. */
const MAX_ASKED = 8
/** A piece nobody gave yet may be asked of two, lest the slower one be waited for. */
const MAX_ASKERS = 2
const MAX_PEERS = 256
/** A peer that answers nothing for so long loses what it was asked for. */
const SILENT_MS = 2000
/** And is not asked again for so long, doubled each time up to the second number. */
const FIRST_REST_MS = 2000
const LONGEST_REST_MS = 60_000

export type MetadataOutcome =
  | { readonly status: 'more' }
  /** The info dictionary, hashed and right; the fetch is over. */
  | { readonly status: 'complete'; readonly info: Uint8Array }
  /** What came is worth nothing; these peers lied and are to be disconnected. May be nobody yet. */
  | { readonly status: 'wrong'; readonly liars: number[] }

/** Peers are numbers that their owner gives them and never uses again. */
export interface MetadataFetch {
  /** It has `metadataSize` bytes to give, as it says; sizes out of bounds are ignored. */
  peerReady(peer: number, metadataSize: number): void
  /** The piece to ask of it now; to be called until it is undefined. */
  next(peer: number): number | undefined
  /** @param totalSize as the message says, 0 when it does not; @param bytes are copied */
  data(peer: number, piece: number, totalSize: number, bytes: Uint8Array): MetadataOutcome
  rejected(peer: number, piece: number): void
  gone(peer: number): void
  /** @param now milliseconds on a clock that never goes back; due about twice a second */
  tick(now: number): void
}

interface Ask {
  /** The first tick after it was asked. */
  since: number | undefined
  /** Others may be asked; its answer is still taken. */
  lost: boolean
}

interface FetchPeer {
  readonly key: number
  readonly size: number
  readonly asks: Map<number, Ask>
  /** Shared with the peers of its size, or its own. */
  gathering: MetadataGathering | undefined
  restUntil: number
  restMs: number
}

const MORE: MetadataOutcome = { status: 'more' }

class Fetch implements MetadataFetch {
  readonly #infoHash: InfoHash
  readonly #maxBytes: number
  readonly #peers = new Map<number, FetchPeer>()
  /** The one whose bytes came last is last. */
  readonly #gatherings = new Set<MetadataGathering>()
  /** Sizes whose shared whole was wrong: each peer is on its own. */
  readonly #apart = new Set<number>()
  #held = 0
  #now = 0
  #over = false

  constructor(infoHash: InfoHash, maxBytes: number) {
    this.#infoHash = infoHash
    this.#maxBytes = maxBytes
  }

  peerReady(key: number, size: number): void {
    if (this.#over || this.#peers.get(key)?.size === size) return
    this.gone(key)
    if (!Number.isInteger(size) || size < 1 || size > this.#maxBytes) return
    if (this.#peers.size >= MAX_PEERS) return
    const asks = new Map<number, Ask>()
    const start = { gathering: undefined, restUntil: 0, restMs: FIRST_REST_MS }
    this.#peers.set(key, { key, size, asks, ...start })
  }

  next(key: number): number | undefined {
    const peer = this.#peers.get(key)
    if (peer === undefined || this.#now < peer.restUntil) return undefined
    const waiting = countLive(peer.asks)
    if (waiting >= MAX_ASKED) return undefined
    const gathering = this.#gatheringFor(peer)
    if (gathering === undefined) return undefined
    const piece = choose(gathering, peer.asks, waiting === 0 ? MAX_ASKERS : 1)
    if (piece === undefined) return undefined
    peer.asks.set(piece, { since: undefined, lost: false })
    gathering.asked(piece, 1)
    return piece
  }

  data(key: number, piece: number, totalSize: number, bytes: Uint8Array): MetadataOutcome {
    const peer = this.#peers.get(key)
    const gathering = peer?.gathering
    if (peer === undefined || gathering === undefined || !peer.asks.has(piece)) return MORE
    this.#unask(peer, piece)
    const isSize = totalSize === 0 || totalSize === peer.size
    if (!isSize || bytes.byteLength !== gathering.bytesOf(piece)) return this.#lied([key])
    peer.restUntil = 0
    peer.restMs = FIRST_REST_MS
    if (gathering.has(piece)) return MORE
    gathering.put(piece, key, bytes)
    this.#account(gathering, bytes.byteLength)
    return gathering.complete ? this.#check(gathering) : MORE
  }

  rejected(key: number, piece: number): void {
    const peer = this.#peers.get(key)
    if (peer === undefined || !peer.asks.has(piece)) return
    this.#unask(peer, piece)
    this.#rest(peer)
  }

  gone(key: number): void {
    const peer = this.#peers.get(key)
    if (peer === undefined) return
    for (const piece of [...peer.asks.keys()]) this.#unask(peer, piece)
    this.#peers.delete(key)
    if (peer.gathering !== undefined && this.#apart.has(peer.size)) this.#discard(peer.gathering)
    if ([...this.#peers.values()].some(({ size }) => size === peer.size)) return
    this.#apart.delete(peer.size)
    for (const gathering of this.#gatherings) {
      if (gathering.size === peer.size) this.#discard(gathering)
    }
  }

  tick(now: number): void {
    this.#now = now
    for (const peer of this.#peers.values()) {
      let silent = false
      for (const [piece, ask] of peer.asks) {
        ask.since ??= now
        if (ask.lost || now - ask.since < SILENT_MS) continue
        ask.lost = true
        silent = true
        peer.gathering?.asked(piece, -1)
      }
      if (silent) this.#rest(peer)
    }
  }

  /** Undefined while as many peers as memory allows are asked for the whole, each on its own. */
  #gatheringFor(peer: FetchPeer): MetadataGathering | undefined {
    if (peer.gathering !== undefined) return peer.gathering
    const same = [...this.#gatherings].filter(({ size }) => size === peer.size)
    if (this.#apart.has(peer.size)) {
      if (same.length >= this.#mostApart(peer.size)) return undefined
      peer.gathering = new MetadataGathering(peer.size)
    } else {
      peer.gathering = same[0] ?? new MetadataGathering(peer.size)
    }
    this.#gatherings.add(peer.gathering)
    return peer.gathering
  }

  #mostApart(size: number): number {
    return Math.max(2, Math.floor((2 * this.#maxBytes) / size))
  }

  #unask(peer: FetchPeer, piece: number): void {
    if (peer.asks.get(piece)?.lost === false) peer.gathering?.asked(piece, -1)
    peer.asks.delete(piece)
  }

  /** It did not give what it was asked for: others come first for a while. */
  #rest(peer: FetchPeer): void {
    peer.restUntil = this.#now + peer.restMs
    peer.restMs = Math.min(2 * peer.restMs, LONGEST_REST_MS)
    const { gathering, size } = peer
    if (gathering === undefined || !this.#apart.has(size)) return
    const same = [...this.#gatherings].filter((other) => other.size === size)
    if (same.length >= this.#mostApart(size)) this.#discard(gathering)
  }

  /** Counts bytes that came, and drops what waited longest when they are too many. */
  #account(gathering: MetadataGathering, bytes: number): void {
    this.#held += bytes
    this.#gatherings.delete(gathering)
    this.#gatherings.add(gathering)
    for (const oldest of this.#gatherings) {
      if (this.#held <= 2 * this.#maxBytes) break
      this.#discard(oldest)
    }
  }

  #discard(gathering: MetadataGathering): void {
    if (!this.#gatherings.delete(gathering)) return
    this.#held -= gathering.held
    for (const peer of this.#peers.values()) {
      if (peer.gathering !== gathering) continue
      peer.gathering = undefined
      peer.asks.clear()
    }
  }

  #check(gathering: MetadataGathering): MetadataOutcome {
    const info = gathering.whole()
    const contributors = gathering.contributors()
    this.#discard(gathering)
    if (infoHashOf(info) === this.#infoHash) {
      this.#over = true
      this.#peers.clear()
      this.#gatherings.clear()
      return { status: 'complete', info }
    }
    if (contributors.length === 1) return this.#lied(contributors)
    this.#apart.add(gathering.size)
    return { status: 'wrong', liars: [] }
  }

  #lied(liars: number[]): MetadataOutcome {
    for (const liar of liars) this.gone(liar)
    return { status: 'wrong', liars }
  }
}

/** @param maxBytes a larger info dictionary is not fetched */
export function createMetadataFetch(options: {
  readonly infoHash: InfoHash
  readonly maxBytes: number
}): MetadataFetch {
  return new Fetch(options.infoHash, options.maxBytes)
}

function countLive(asks: ReadonlyMap<number, Ask>): number {
  let live = 0
  for (const { lost } of asks.values()) if (!lost) live++
  return live
}

/** The first missing piece that the fewest peers are asked for, fewer than `askers`. */
function choose(
  gathering: MetadataGathering,
  asks: ReadonlyMap<number, Ask>,
  askers: number
): number | undefined {
  let best: number | undefined
  let fewest = askers
  for (let piece = 0; piece < gathering.pieceCount && fewest > 0; piece++) {
    if (gathering.has(piece) || asks.get(piece)?.lost === false) continue
    const count = gathering.askers(piece)
    if (count < fewest) {
      fewest = count
      best = piece
    }
  }
  return best
}
