/**
 * Requests as the protocol shell is given them: written anew from what we parsed.
 *
 * bittorrent-tracker's parsers believe their input (FACTS: one odd parameter ends the process), so
 * not a byte that a client sent reaches them. Fields that only our policy reads are left out.
 */
import type { RequestLike } from 'bittorrent-tracker/server'
import { infoHashBytes } from '../../core/info-hash.ts'
import {
  type EndpointAnnounce,
  EVENTS,
  type ScrapeRequest,
  type SignallingAnnounce
} from './announce-request.ts'
import { ACTION, ANNOUNCE_BYTES, HEADER_BYTES, PROTOCOL_ID } from './udp-packet.ts'

/** @param remoteAddress the address literal of the connection */
export function canonicalHttp(request: EndpointAnnounce, remoteAddress: string): RequestLike {
  const infoHash = percentEncode(request.infoHash)
  const peerId = percentEncode(request.peerId)
  return {
    url: `/announce?info_hash=${infoHash}&peer_id=${peerId}&port=${request.port}`,
    headers: {},
    connection: { remoteAddress }
  }
}

/** The package knows no connection id but the constant of BEP 15; ours is checked before. */
export function canonicalDatagram(
  request: EndpointAnnounce | ScrapeRequest,
  transactionId: number
): Buffer {
  const announce = request.kind === 'announce'
  const length = announce ? ANNOUNCE_BYTES : HEADER_BYTES + request.infoHashes.length * 20
  const message = Buffer.alloc(length)
  PROTOCOL_ID.copy(message)
  message.writeUInt32BE(announce ? ACTION.announce : ACTION.scrape, 8)
  message.writeUInt32BE(transactionId, 12)
  if (announce) writeAnnounce(message, request)
  else Buffer.concat(request.infoHashes.map(infoHashBytes)).copy(message, HEADER_BYTES)
  return message
}

function writeAnnounce(message: Buffer, request: EndpointAnnounce): void {
  infoHashBytes(request.infoHash).copy(message, 16)
  message.write(request.peerId, 36, 'hex')
  message.writeUInt32BE(EVENTS.indexOf(request.event), 80)
  message.writeUInt16BE(request.port, 96)
}

export function canonicalMessage(request: SignallingAnnounce | ScrapeRequest): string {
  if (request.kind === 'scrape') {
    return JSON.stringify({ action: 'scrape', info_hash: request.infoHashes.map(binary) })
  }
  const { answer } = request
  const about = {
    action: 'announce',
    info_hash: binary(request.infoHash),
    peer_id: binary(request.peerId)
  }
  if (answer === undefined) {
    return JSON.stringify({
      ...about,
      event: request.event,
      offers: request.offers.map(({ offerId, sdp }) => ({
        offer_id: offerId,
        offer: { type: 'offer', sdp }
      }))
    })
  }
  return JSON.stringify({
    ...about,
    to_peer_id: binary(answer.toPeerId),
    offer_id: answer.offerId,
    answer: { type: 'answer', sdp: answer.sdp }
  })
}

/** Bytes given in hex as a binary string, the way signalling carries them. */
export function binary(hex: string): string {
  return Buffer.from(hex, 'hex').toString('latin1')
}

function percentEncode(hex: string): string {
  return hex.replace(/../g, '%$&')
}
