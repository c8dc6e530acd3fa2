/**
 * Messages of WebTorrent signalling: JSON over a WebSocket, with 20-byte strings as binary text.
 *
 * A message is an announce with offers, an answer to somebody's offer, or a scrape. Only what is
 * understood is taken over; a malformed offer makes the whole message invalid.
 */
import { type InfoHash, infoHashFromBytes } from '../../core/info-hash.ts'
import {
  EVENTS,
  type InvalidRequest,
  invalid,
  MAX_SCRAPE,
  type Offer,
  type ScrapeRequest,
  type SignallingAnnounce
} from './announce-request.ts'
import type { Link } from './link.ts'

export type WsRequest = SignallingAnnounce | ScrapeRequest | InvalidRequest

/** Offers in one announce; webtorrent makes 5 to 10. */
const MAX_OFFERS = 20
/** Characters of one session description. */
const MAX_SDP = 16_384

type Json = Readonly<Record<string, unknown>>

export function parseWsMessage(text: string, link: Link): WsRequest {
  const message = parseJson(text)
  if (message === undefined) return invalid('not a JSON object')
  if (message.action === 'announce') return parseAnnounce(message, link)
  return message.action === 'scrape' ? parseScrape(message) : invalid('unknown action')
}

function parseAnnounce(message: Json, link: Link): SignallingAnnounce | InvalidRequest {
  const infoHash = infoHashOf(message.info_hash)
  if (infoHash === undefined) return invalid('info_hash must be 20 bytes')
  const peerId = peerIdOf(message.peer_id)
  if (peerId === undefined) return invalid('peer_id must be 20 bytes')
  const offers = parseOffers(message.offers)
  if (offers === undefined) return invalid('malformed offers')
  const answer = parseAnswer(message)
  if (answer === null) return invalid('malformed answer')
  return {
    kind: 'announce',
    protocol: 'ws',
    infoHash,
    peerId,
    link,
    from: link.address,
    event: EVENTS.find((event) => event === message.event) ?? 'update',
    seed: message.left === 0 || message.left === '0',
    numwant: offers.length,
    offers,
    answer
  }
}

function parseScrape(message: Json): ScrapeRequest | InvalidRequest {
  const given = Array.isArray(message.info_hash) ? message.info_hash : [message.info_hash]
  if (given.length > MAX_SCRAPE) return invalid(`at most ${MAX_SCRAPE} info_hash in one scrape`)
  const infoHashes = new Set<InfoHash>()
  for (const text of given) {
    const infoHash = infoHashOf(text)
    if (infoHash === undefined) return invalid('info_hash must be 20 bytes each')
    infoHashes.add(infoHash)
  }
  if (infoHashes.size === 0) return invalid('info_hash is required: there is no full scrape')
  return { kind: 'scrape', protocol: 'ws', infoHashes: [...infoHashes] }
}

/** Offers beyond the bound are not relayed; undefined when any is malformed. */
function parseOffers(value: unknown): Offer[] | undefined {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) return undefined
  const offers: Offer[] = []
  for (const item of value.slice(0, MAX_OFFERS)) {
    if (!isJson(item)) return undefined
    const sdp = sdpOf(item.offer, 'offer')
    const offerId = item.offer_id
    if (sdp === undefined || !isBinary20(offerId)) return undefined
    offers.push({ offerId, sdp })
  }
  return offers
}

/** Undefined when the message is no answer, null when it is a malformed one. */
function parseAnswer(message: Json): SignallingAnnounce['answer'] | null {
  if (message.answer === undefined || message.answer === null) return undefined
  const sdp = sdpOf(message.answer, 'answer')
  const toPeerId = peerIdOf(message.to_peer_id)
  const offerId = message.offer_id
  if (sdp === undefined || toPeerId === undefined || !isBinary20(offerId)) return null
  return { toPeerId, offerId, sdp }
}

/** The text of an RTCSessionDescription of that type. */
function sdpOf(value: unknown, type: 'offer' | 'answer'): string | undefined {
  if (!isJson(value) || value.type !== type || typeof value.sdp !== 'string') return undefined
  return value.sdp.length <= MAX_SDP ? value.sdp : undefined
}

function infoHashOf(value: unknown): InfoHash | undefined {
  return isBinary20(value) ? infoHashFromBytes(Buffer.from(value, 'latin1')) : undefined
}

function peerIdOf(value: unknown): string | undefined {
  return isBinary20(value) ? Buffer.from(value, 'latin1').toString('hex') : undefined
}

/** Twenty bytes, a character each. */
function isBinary20(value: unknown): value is string {
  if (typeof value !== 'string' || value.length !== 20) return false
  return Buffer.from(value, 'latin1').toString('latin1') === value
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
