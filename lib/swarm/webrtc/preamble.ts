/**
 * What goes ahead of a data channel's bytes on its way to an engine: whose they really are.
 *
 *     4 "SGR1" | 32 token | 16 address (IPv4 as ::ffff:a.b.c.d) | 2 port, big endian
 *
 * The engine listens for these connections on the loopback, where any program of the machine can
 * dial; the token, made anew by each process and told to nobody else, proves that it was us. The
 * address is only a name for counting and banning: nothing is ever dialled there.
 */
import { timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'

export const TOKEN_BYTES = 32
/** Always this long: nothing in it says how long it is. */
export const PREAMBLE_BYTES = 54

const MAGIC = Buffer.from('SGR1', 'latin1')
const ADDRESS_AT = MAGIC.length + TOKEN_BYTES
const PORT_AT = ADDRESS_AT + 16
const MAPPED_IPV4 = Buffer.from('00000000000000000000ffff', 'hex')

/** The peer on the far side of a data channel; `::` and 0 when that is not known. */
export interface RemotePeer {
  /** An IP address literal, written as the sockets of Node write it. */
  readonly host: string
  readonly port: number
}

/**
 * The `PREAMBLE_BYTES` bytes to send first.
 *
 * @param token `TOKEN_BYTES` bytes; throws a RangeError for any other length
 * @param remote a host that is no address literal becomes `::`, an impossible port 0
 */
export function encodePreamble(token: Uint8Array, remote: RemotePeer): Buffer {
  if (token.byteLength !== TOKEN_BYTES) throw new RangeError('the token has a wrong length')
  const bytes = Buffer.alloc(PREAMBLE_BYTES)
  MAGIC.copy(bytes)
  bytes.set(token, MAGIC.length)
  bytes.set(addressBytes(remote.host), ADDRESS_AT)
  const isPort = Number.isInteger(remote.port) && remote.port > 0 && remote.port < 65_536
  bytes.writeUInt16BE(isPort ? remote.port : 0, PORT_AT)
  return bytes
}

/**
 * Who the connection carries; undefined when it was not opened by us and must be closed.
 *
 * @param bytes the first `PREAMBLE_BYTES` bytes of the connection, exactly
 * @param token as given to `encodePreamble`; compared in constant time
 */
export function parsePreamble(bytes: Uint8Array, token: Uint8Array): RemotePeer | undefined {
  if (bytes.byteLength !== PREAMBLE_BYTES || token.byteLength !== TOKEN_BYTES) return undefined
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (!timingSafeEqual(view.subarray(MAGIC.length, ADDRESS_AT), token)) return undefined
  if (!view.subarray(0, MAGIC.length).equals(MAGIC)) return undefined
  return {
    host: addressText(view.subarray(ADDRESS_AT, PORT_AT)),
    port: view.readUInt16BE(PORT_AT)
  }
}

function addressBytes(host: string): Buffer {
  const bare = host.replace(/%.*$/, '')
  const family = isIP(bare)
  if (family === 4) return Buffer.concat([MAPPED_IPV4, Buffer.from(bare.split('.').map(Number))])
  if (family === 0) return Buffer.alloc(16)
  const [head = '', tail = ''] = canonicalIpv6(bare).split('::')
  const before = groups(head)
  const after = groups(tail)
  const zeros = Array<string>(8 - before.length - after.length).fill('0')
  const all = [...before, ...zeros, ...after]
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex')
}

function groups(text: string): string[] {
  return text === '' ? [] : text.split(':')
}

function addressText(bytes: Buffer): string {
  if (bytes.subarray(0, 12).equals(MAPPED_IPV4)) return bytes.subarray(12).join('.')
  const all = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16))
  return canonicalIpv6(all.join(':'))
}

/** RFC 5952: the URL parser knows how. */
function canonicalIpv6(text: string): string {
  return new URL(`http://[${text}]`).hostname.slice(1, -1)
}
