/**
 * Datagrams of the UDP tracker protocol (BEP 15), parsed.
 *
 * The options of BEP 41 may follow an announce; they carry the URL, which says nothing here, so
 * everything after the fixed part is left unread. The `ip` and `key` fields are not believed.
 */
import { type InfoHash, infoHashFromBytes } from '../../core/info-hash.ts'
import type { Address } from './address.ts'
import {
  capNumwant,
  type EndpointAnnounce,
  EVENTS,
  type InvalidRequest,
  invalid,
  MAX_SCRAPE,
  type ScrapeRequest
} from './announce-request.ts'

export const ACTION = { connect: 0, announce: 1, scrape: 2, error: 3 } as const

/** What the connection id of a connect must be. */
export const PROTOCOL_ID = Buffer.from('0000041727101980', 'hex')

export const HEADER_BYTES = 16
export const ANNOUNCE_BYTES = 98

export interface UdpHeader {
  /** 8 bytes. */
  readonly connectionId: Buffer
  readonly action: number
  readonly transactionId: number
}

export type UdpRequest = EndpointAnnounce | ScrapeRequest | InvalidRequest

/** Undefined for what is too short to be of this protocol. */
export function parseUdpHeader(message: Buffer): UdpHeader | undefined {
  if (message.length < HEADER_BYTES) return undefined
  return {
    connectionId: message.subarray(0, 8),
    action: message.readUInt32BE(8),
    transactionId: message.readUInt32BE(12)
  }
}

/** What follows the header of a message that is not a connect. */
export function parseUdpRequest(message: Buffer, header: UdpHeader, from: Address): UdpRequest {
  if (header.action === ACTION.announce) return parseAnnounce(message, from)
  return header.action === ACTION.scrape ? parseScrape(message) : invalid('unknown action')
}

function parseAnnounce(message: Buffer, from: Address): EndpointAnnounce | InvalidRequest {
  if (message.length < ANNOUNCE_BYTES) return invalid('the announce is cut short')
  const infoHash = infoHashFromBytes(message.subarray(16, 36))
  if (infoHash === undefined) return invalid('info_hash must be 20 bytes')
  const port = message.readUInt16BE(96)
  if (port === 0) return invalid('port must be 1 to 65535')
  return {
    kind: 'announce',
    protocol: 'udp',
    infoHash,
    peerId: message.toString('hex', 36, 56),
    port,
    from,
    event: EVENTS[message.readUInt32BE(80)] ?? 'update',
    seed: message.readBigUInt64BE(64) === 0n,
    numwant: capNumwant(message.readInt32BE(92))
  }
}

function parseScrape(message: Buffer): ScrapeRequest | InvalidRequest {
  const count = (message.length - HEADER_BYTES) / 20
  if (!Number.isInteger(count) || count < 1) return invalid('info_hash must be 20 bytes each')
  if (count > MAX_SCRAPE) return invalid(`at most ${MAX_SCRAPE} info_hash in one scrape`)
  const infoHashes: InfoHash[] = []
  for (let at = HEADER_BYTES; at < message.length; at += 20) {
    const infoHash = infoHashFromBytes(message.subarray(at, at + 20))
    if (infoHash !== undefined) infoHashes.push(infoHash)
  }
  return { kind: 'scrape', protocol: 'udp', infoHashes }
}

/** The answer to a connect. */
export function connectAnswer(transactionId: number, connectionId: Uint8Array): Buffer {
  return Buffer.concat([words(ACTION.connect, transactionId), connectionId])
}

/** Says that a message was not understood. */
export function errorAnswer(transactionId: number, reason: string): Buffer {
  return Buffer.concat([words(ACTION.error, transactionId), Buffer.from(reason)])
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  values.forEach((value, index) => {
    bytes.writeUInt32BE(value, index * 4)
  })
  return bytes
}
