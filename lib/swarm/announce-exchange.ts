/**
 * One announce: what is said, what the answer says, and both over HTTP (BEP 3, 7, 23, 31).
 *
 * Pure. An answer is believed as far as it is well formed: a peer that is not an address and a
 * port is left out, a list is cut at `MAX_PEERS`.
 */
import { isIP } from 'node:net'
import { type BencodeDict, type BencodeValue, decodeBencode } from '../../core/bencode.ts'
import type { InfoHash } from '../../core/info-hash.ts'

const MAX_PEERS = 200

export type AnnounceEvent = 'started' | 'completed' | 'stopped'

export interface AnnounceQuery {
  readonly infoHash: InfoHash
  /** 20 bytes, one character each. */
  readonly peerId: string
  readonly port: number
  readonly uploaded: number
  readonly downloaded: number
  readonly left: number
  readonly numwant: number
  /** Tells the tracker it is still us when our address changes. */
  readonly key: string
  readonly trackerId: string | undefined
  /** Undefined at the regular interval. */
  readonly event: AnnounceEvent | undefined
}

export type AnnounceAnswer =
  | {
      readonly status: 'accepted'
      /** Seconds until the next announce is due, and before which none is welcome. */
      readonly interval: number | undefined
      readonly minInterval: number | undefined
      readonly trackerId: string | undefined
      readonly peers: readonly { readonly host: string; readonly port: number }[]
    }
  /** BEP 31: never again, or not for some minutes, if the tracker says so. */
  | {
      readonly status: 'refused'
      readonly reason: string
      readonly retryMinutes: number | 'never' | undefined
    }
  | { readonly status: 'malformed' }

/** How trackers of one kind are spoken to. */
export interface TrackerTransport {
  /** One announce; rejects when there was no answer in time. */
  exchange(url: string, query: AnnounceQuery): Promise<AnnounceAnswer>
  /** Gives up exchanges of which no tracker has heard yet. */
  hurry(): void
  /** Ends every exchange. */
  close(): Promise<void>
}

/** The query of an announce (BEP 3, 7, 23), without the `?` or `&` before it. */
export function announceParams(query: AnnounceQuery): string {
  const { infoHash, peerId, port, uploaded, downloaded, left, numwant, key } = query
  const who = `info_hash=${percentHex(infoHash)}&peer_id=${percentHex(hexOf(peerId))}&port=${port}`
  const what = `uploaded=${uploaded}&downloaded=${downloaded}&left=${left}`
  const trackerId = query.trackerId && `&trackerid=${encodeURIComponent(query.trackerId)}`
  const event = query.event === undefined ? '' : `&event=${query.event}`
  return `${who}&${what}&compact=1&numwant=${numwant}&key=${key}${trackerId ?? ''}${event}`
}

export function parseAnnounceAnswer(body: Uint8Array): AnnounceAnswer {
  const dict = decodeDict(body)
  if (dict === undefined) return { status: 'malformed' }
  const reason = textOf(dict.get('failure reason'))
  if (reason !== undefined) {
    return { status: 'refused', reason, retryMinutes: retryOf(dict.get('retry in')) }
  }
  const peers = [...parsePeers(dict.get('peers'), 4), ...parsePeers(dict.get('peers6'), 16)]
  return {
    status: 'accepted',
    interval: secondsOf(dict.get('interval')),
    minInterval: secondsOf(dict.get('min interval')),
    trackerId: textOf(dict.get('tracker id')),
    peers: peers.slice(0, MAX_PEERS)
  }
}

function decodeDict(body: Uint8Array): BencodeDict | undefined {
  try {
    const value = decodeBencode(body, { strict: false })
    return value instanceof Map ? value : undefined
  } catch {
    return undefined
  }
}

function hexOf(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('hex')
}

/** Bytes in hex as a URL has them. */
function percentHex(hex: string): string {
  return hex.replace(/../g, '%$&')
}

function textOf(value: BencodeValue | undefined): string | undefined {
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : undefined
}

function secondsOf(value: BencodeValue | undefined): number | undefined {
  return typeof value === 'number' && value > 0 ? value : undefined
}

function retryOf(value: BencodeValue | undefined): number | 'never' | undefined {
  const text = typeof value === 'number' ? String(value) : textOf(value)
  if (text === 'never') return 'never'
  const minutes = Number(text)
  return text !== undefined && minutes > 0 ? minutes : undefined
}

interface Address {
  readonly host: string
  readonly port: number
}

/** Compact strings of either family, or BEP 3's list of dictionaries. */
function parsePeers(value: BencodeValue | undefined, addressBytes: 4 | 16): Address[] {
  if (value instanceof Uint8Array) return parseCompactPeers(value, addressBytes)
  if (!Array.isArray(value)) return []
  return value.slice(0, MAX_PEERS).flatMap((entry) => {
    if (!(entry instanceof Map)) return []
    return addressIn(textOf(entry.get('ip')) ?? '', entry.get('port'))
  })
}

/** Addresses and ports end to end (BEP 7, 23); a ragged end and ports of 0 are left out. */
export function parseCompactPeers(bytes: Uint8Array, addressBytes: 4 | 16): Address[] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const step = addressBytes + 2
  const count = Math.min(MAX_PEERS, Math.floor(view.length / step))
  return Array.from({ length: count }, (_, at) => {
    const entry = view.subarray(at * step, (at + 1) * step)
    const host = addressBytes === 4 ? entry.subarray(0, 4).join('.') : ipv6Text(entry)
    return { host, port: entry.readUInt16BE(addressBytes) }
  }).filter(({ port }) => port > 0)
}

function ipv6Text(entry: Buffer): string {
  return Array.from({ length: 8 }, (_, group) => entry.readUInt16BE(group * 2).toString(16)).join(
    ':'
  )
}

function addressIn(host: string, port: BencodeValue | undefined): Address[] {
  const isPort = typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65_536
  return isIP(host) !== 0 && isPort ? [{ host, port }] : []
}
