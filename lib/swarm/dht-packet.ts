/**
 * Which datagrams may reach the DHT package (BEP 5), and how large its answers may be.
 *
 * Pure. The package believes the types of what it is sent: an infohash that is a number, or an id
 * that is a list, ends the process. Here everything is refused that is not exactly what BEP 5
 * names. Stored values (BEP 44) are no business of ours and refused as well.
 */
import {
  type BencodeDict,
  type BencodeValue,
  decodeBencode,
  encodeBencode
} from '../../core/bencode.ts'

const ID_BYTES = 20
const NODE_BYTES = 26
const PEER_BYTES = 6
const MAX_PACKET_BYTES = 8192
const MAX_TOKEN_BYTES = 128
const MAX_TRANSACTION_BYTES = 32
/** What fits one datagram everywhere; more would be fragments, and of use to a forger. */
const MAX_ANSWER_BYTES = 1200
const MAX_VALUES = 50

export type DhtPacketKind = 'query' | 'answer'

/** Undefined for what must not be handed on. */
export function kindOfDhtPacket(packet: Uint8Array): DhtPacketKind | undefined {
  const message = packet.byteLength <= MAX_PACKET_BYTES ? decodeDict(packet) : undefined
  if (message === undefined) return undefined
  const transaction = message.get('t')
  if (!isBytes(transaction, 1, MAX_TRANSACTION_BYTES)) return undefined
  const kind = textOf(message.get('y'))
  if (kind === 'q') return isQuery(message) ? 'query' : undefined
  if (transaction.byteLength !== 2) return undefined
  if (kind === 'r') return isResponse(message.get('r')) ? 'answer' : undefined
  return kind === 'e' && isError(message.get('e')) ? 'answer' : undefined
}

/** An answer of the package with no more peers than fit a datagram. */
export function fitDhtAnswer(packet: Uint8Array): Uint8Array | undefined {
  if (packet.byteLength <= MAX_ANSWER_BYTES) return packet
  const message = decodeDict(packet)
  const response = message?.get('r')
  const values = response instanceof Map ? response.get('values') : undefined
  if (message === undefined || !(response instanceof Map) || !Array.isArray(values)) {
    return undefined
  }
  response.set('values', values.slice(-MAX_VALUES))
  const shorter = encodeBencode(message)
  return shorter.byteLength <= MAX_ANSWER_BYTES ? shorter : undefined
}

function isQuery(message: BencodeDict): boolean {
  const args = message.get('a')
  if (!(args instanceof Map) || !isId(args.get('id'))) return false
  switch (textOf(message.get('q'))) {
    case 'ping':
      return true
    case 'find_node':
      return isId(args.get('target'))
    case 'get_peers':
      return isId(args.get('info_hash'))
    case 'announce_peer':
      return isAnnounce(args)
    default:
      return false
  }
}

function isAnnounce(args: BencodeDict): boolean {
  const port = args.get('port')
  const implied = args.get('implied_port')
  const isPort = typeof port === 'number' && Number.isInteger(port) && port >= 0 && port < 65_536
  const isImplied = implied === undefined || typeof implied === 'number'
  return isPort && isImplied && isId(args.get('info_hash')) && isToken(args.get('token'))
}

function isResponse(response: BencodeValue | undefined): boolean {
  if (!(response instanceof Map) || !isId(response.get('id'))) return false
  const [nodes, values, token] = ['nodes', 'values', 'token'].map((key) => response.get(key))
  const areNodes =
    nodes === undefined || (nodes instanceof Uint8Array && nodes.byteLength % NODE_BYTES === 0)
  const areValues =
    values === undefined ||
    (Array.isArray(values) && values.every((value) => isBytes(value, PEER_BYTES, PEER_BYTES)))
  const isUnused = response.get('v') === undefined
  return areNodes && areValues && isUnused && (token === undefined || isToken(token))
}

function isError(error: BencodeValue | undefined): boolean {
  return Array.isArray(error) && typeof error[0] === 'number' && isBytes(error[1], 0, 512)
}

function isId(value: BencodeValue | undefined): boolean {
  return isBytes(value, ID_BYTES, ID_BYTES)
}

function isToken(value: BencodeValue | undefined): boolean {
  return isBytes(value, 1, MAX_TOKEN_BYTES)
}

function isBytes(value: BencodeValue | undefined, min: number, max: number): value is Uint8Array {
  return value instanceof Uint8Array && value.byteLength >= min && value.byteLength <= max
}

function textOf(value: BencodeValue | undefined): string | undefined {
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : undefined
}

function decodeDict(packet: Uint8Array): BencodeDict | undefined {
  try {
    const value = decodeBencode(packet, { strict: false, maxDepth: 8, maxItems: 2048 })
    return value instanceof Map ? value : undefined
  } catch {
    return undefined
  }
}
