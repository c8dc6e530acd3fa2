/**
 * What a node and a WebSocket tracker say to each other: JSON, 20-byte strings as binary text.
 *
 * Pure. Only what is understood is taken over; everything else is `nothing`. We send no offers, so
 * an answer to one cannot be ours and is `nothing` too.
 */
import { type InfoHash, infoHashBytes, infoHashFromBytes } from '../../../core/info-hash.ts'
import type { AnnounceEvent } from '../announce-exchange.ts'

/** Longest message of a tracker; one offer is 2 to 5 KiB. */
export const MAX_SIGNAL_BYTES = 64 * 1024
/** Characters of one session description. */
const MAX_SDP = 16_384
const MAX_REASON = 200

export interface OfferSignal {
  readonly kind: 'offer'
  readonly infoHash: InfoHash
  /** Who offers, and its name for the offer: 20 bytes, one character each. */
  readonly peerId: string
  readonly offerId: string
  /** As received: judged by `parseOffer`. */
  readonly sdp: string
}

export type Signal =
  | OfferSignal
  /** The tracker took an announce; undefined when it does not say when to come again. */
  | {
      readonly kind: 'accepted'
      readonly infoHash: InfoHash
      readonly intervalS: number | undefined
    }
  | {
      readonly kind: 'refused'
      /** Undefined when the tracker does not say what it refuses. */
      readonly infoHash: InfoHash | undefined
      readonly reason: string
    }
  | { readonly kind: 'nothing' }

type Json = Readonly<Record<string, unknown>>

const NOTHING: Signal = { kind: 'nothing' }

/** Never throws. */
export function parseSignal(text: string): Signal {
  if (text.length > MAX_SIGNAL_BYTES) return NOTHING
  const message = parseJson(text)
  if (message === undefined) return NOTHING
  const infoHash = infoHashIn(message.info_hash)
  const failure = message['failure reason']
  if (typeof failure === 'string') {
    return { kind: 'refused', infoHash, reason: failure.slice(0, MAX_REASON) }
  }
  if (message.action !== 'announce' || infoHash === undefined) return NOTHING
  if (message.offer !== undefined && message.offer !== null) return offerIn(message, infoHash)
  if (message.answer !== undefined && message.answer !== null) return NOTHING
  return { kind: 'accepted', infoHash, intervalS: secondsIn(message.interval) }
}

function offerIn(message: Json, infoHash: InfoHash): Signal {
  const { offer, peer_id: peerId, offer_id: offerId } = message
  if (!isJson(offer) || offer.type !== 'offer' || typeof offer.sdp !== 'string') return NOTHING
  if (offer.sdp.length > MAX_SDP || !isBinary20(peerId) || !isBinary20(offerId)) return NOTHING
  return { kind: 'offer', infoHash, peerId, offerId, sdp: offer.sdp }
}

export interface AnnounceSignal {
  readonly infoHash: InfoHash
  readonly peerId: string
  readonly left: number
  readonly event: AnnounceEvent | undefined
}

/** An announce that asks for nobody and offers nothing: others send us their offers. */
export function announceSignal({ infoHash, peerId, left, event }: AnnounceSignal): string {
  return JSON.stringify({
    action: 'announce',
    info_hash: binary(infoHash),
    peer_id: peerId,
    uploaded: 0,
    downloaded: 0,
    left,
    event,
    numwant: 0,
    offers: []
  })
}

/** The answer to an offer, by way of the tracker that brought it. */
export function answerSignal(peerId: string, offer: OfferSignal, sdp: string): string {
  return JSON.stringify({
    action: 'announce',
    info_hash: binary(offer.infoHash),
    peer_id: peerId,
    to_peer_id: offer.peerId,
    offer_id: offer.offerId,
    answer: { type: 'answer', sdp }
  })
}

function binary(infoHash: InfoHash): string {
  return infoHashBytes(infoHash).toString('latin1')
}

function infoHashIn(value: unknown): InfoHash | undefined {
  return isBinary20(value) ? infoHashFromBytes(Buffer.from(value, 'latin1')) : undefined
}

/** Twenty bytes, a character each. */
function isBinary20(value: unknown): value is string {
  if (typeof value !== 'string' || value.length !== 20) return false
  return Buffer.from(value, 'latin1').toString('latin1') === value
}

function secondsIn(value: unknown): number | undefined {
  return typeof value === 'number' && value > 0 ? value : undefined
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseJson(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isJson(value) ? value : undefined
  } catch {
    return undefined
  }
}
