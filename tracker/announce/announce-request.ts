/**
 * What a client asks of the tracker, parsed: the wire files make these, policy and state use them.
 *
 * Whatever a client wrote beyond this (its own idea of its address, keys, user agents) ends at
 * the wire.
 */
import type { InfoHash } from '../../core/info-hash.ts'
import type { Address } from './address.ts'
import type { Link } from './link.ts'

export type Protocol = 'http' | 'udp' | 'ws'

/**
 * In the order of their numbers in BEP 15. `update` is no event; `paused` is a partial seed
 * (BEP 21), which is listed among the leechers.
 */
export const EVENTS = ['update', 'completed', 'started', 'stopped', 'paused'] as const
export type AnnounceEvent = (typeof EVENTS)[number]

interface Announce {
  readonly kind: 'announce'
  readonly infoHash: InfoHash
  readonly event: AnnounceEvent
  /** `left` was 0. */
  readonly seed: boolean
  /** Peers asked for, already capped. */
  readonly numwant: number
  readonly from: Address
}

/** A peer that listens on a port: HTTP and UDP. Its address is where the request came from. */
export interface EndpointAnnounce extends Announce {
  readonly protocol: 'http' | 'udp'
  readonly port: number
  /** 40 hex digits. */
  readonly peerId: string
}

/** A browser's offer of a WebRTC connection, as it is relayed. */
export interface Offer {
  /** 20 bytes as a binary string. */
  readonly offerId: string
  readonly sdp: string
}

/** A peer that is reached through its WebSocket to the tracker. */
export interface SignallingAnnounce extends Announce {
  readonly protocol: 'ws'
  readonly peerId: string
  readonly link: Link
  readonly offers: readonly Offer[]
  /** Set when this message answers another peer's offer; it then changes no state. */
  readonly answer:
    | { readonly toPeerId: string; readonly offerId: string; readonly sdp: string }
    | undefined
}

export type AnnounceRequest = EndpointAnnounce | SignallingAnnounce

export interface ScrapeRequest {
  readonly kind: 'scrape'
  readonly protocol: Protocol
  readonly infoHashes: readonly InfoHash[]
}

/** Not understood; `reason` is told to the client. */
export interface InvalidRequest {
  readonly kind: 'invalid'
  readonly reason: string
}

export function invalid(reason: string): InvalidRequest {
  return { kind: 'invalid', reason }
}

/** Peers a client gets when it names no number, and at most (a UDP answer must stay small). */
const DEFAULT_NUMWANT = 50
const MAX_NUMWANT = 82

/** `numwant` as we honour it: absent or negative is the default, too many is the maximum. */
export function capNumwant(numwant: number | undefined): number {
  if (numwant === undefined || !Number.isInteger(numwant) || numwant < 0) return DEFAULT_NUMWANT
  return Math.min(numwant, MAX_NUMWANT)
}

/** Infohashes in one scrape: what fits a UDP datagram (BEP 15). */
export const MAX_SCRAPE = 74
