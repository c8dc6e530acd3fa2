/**
 * Datagrams of the UDP tracker protocol, the client's side (BEP 15, 41).
 *
 * Pure. A request leaves its transaction id at `TRANSACTION_AT` to whoever sends it. An answer is
 * what the tracker says only after its sender and transaction id were checked.
 */
import { infoHashBytes } from '../../core/info-hash.ts'
import { type AnnounceAnswer, type AnnounceQuery, parseCompactPeers } from './announce-exchange.ts'

/** Offset of the transaction id in a request. */
export const TRANSACTION_AT = 12
export const CONNECTION_ID_BYTES = 8

const ACTION = { connect: 0, announce: 1, error: 3 } as const
const EVENTS = { completed: 1, started: 2, stopped: 3 } as const
const PROTOCOL_ID = 0x41727101980n
const CONNECT_BYTES = 16
const ANNOUNCE_BYTES = 98
const ANSWER_HEADER_BYTES = 20
const MAX_PEERS = 200
const MAX_REASON_BYTES = 200
/** BEP 41: the option that carries a part of the URL, and how much one holds. */
const URL_DATA = 2
const MAX_URL_DATA_BYTES = 255

export type ConnectAnswer =
  | { readonly status: 'connected'; readonly connectionId: Buffer }
  | { readonly status: 'refused'; readonly reason: string }
  | { readonly status: 'malformed' }

export function connectRequest(): Buffer {
  const bytes = Buffer.alloc(CONNECT_BYTES)
  bytes.writeBigUInt64BE(PROTOCOL_ID, 0)
  bytes.writeUInt32BE(ACTION.connect, 8)
  return bytes
}

/** @param path path and query of the tracker's URL */
export function announceRequest(connectionId: Buffer, query: AnnounceQuery, path: string): Buffer {
  const bytes = Buffer.alloc(ANNOUNCE_BYTES)
  connectionId.copy(bytes, 0, 0, CONNECTION_ID_BYTES)
  bytes.writeUInt32BE(ACTION.announce, 8)
  infoHashBytes(query.infoHash).copy(bytes, 16)
  bytes.write(query.peerId, 36, 20, 'latin1')
  bytes.writeBigUInt64BE(BigInt(query.downloaded), 56)
  bytes.writeBigUInt64BE(BigInt(query.left), 64)
  bytes.writeBigUInt64BE(BigInt(query.uploaded), 72)
  bytes.writeUInt32BE(query.event === undefined ? 0 : EVENTS[query.event], 80)
  bytes.writeUInt32BE(Number.parseInt(query.key, 16) >>> 0, 88)
  bytes.writeInt32BE(query.numwant, 92)
  bytes.writeUInt16BE(query.port, 96)
  return Buffer.concat([bytes, ...urlData(path)])
}

/** The transaction an answer is about; undefined for what is no answer. */
export function transactionOf(answer: Buffer): number | undefined {
  return answer.length < 8 ? undefined : answer.readUInt32BE(4)
}

export function parseConnectAnswer(answer: Buffer): ConnectAnswer {
  const action = answer.readUInt32BE(0)
  if (action === ACTION.error) return { status: 'refused', reason: reasonIn(answer) }
  const end = 8 + CONNECTION_ID_BYTES
  if (action !== ACTION.connect || answer.length < end) return { status: 'malformed' }
  return { status: 'connected', connectionId: Buffer.from(answer.subarray(8, end)) }
}

/** @param addressBytes of the family the tracker was asked in (BEP 7 has no other over UDP) */
export function parseUdpAnswer(answer: Buffer, addressBytes: 4 | 16): AnnounceAnswer {
  const action = answer.readUInt32BE(0)
  if (action === ACTION.error) {
    return { status: 'refused', reason: reasonIn(answer), retryMinutes: undefined }
  }
  if (action !== ACTION.announce || answer.length < ANSWER_HEADER_BYTES) {
    return { status: 'malformed' }
  }
  const interval = answer.readInt32BE(8)
  const peers = parseCompactPeers(answer.subarray(ANSWER_HEADER_BYTES), addressBytes)
  return {
    status: 'accepted',
    interval: interval > 0 ? interval : undefined,
    minInterval: undefined,
    trackerId: undefined,
    peers: peers.slice(0, MAX_PEERS)
  }
}

function reasonIn(answer: Buffer): string {
  return answer.toString('utf8', 8, 8 + MAX_REASON_BYTES)
}

function urlData(path: string): Buffer[] {
  const text = Buffer.from(path === '/' ? '' : path)
  const options: Buffer[] = []
  for (let at = 0; at < text.length; at += MAX_URL_DATA_BYTES) {
    const part = text.subarray(at, at + MAX_URL_DATA_BYTES)
    options.push(Buffer.from([URL_DATA, part.length]), part)
  }
  return options
}
