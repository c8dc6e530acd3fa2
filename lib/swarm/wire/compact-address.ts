/** Addresses as bytes: BEP 23 for IPv4, BEP 7 for IPv6, big-endian port behind. */
import { isIP, SocketAddress } from 'node:net'

export interface Address {
  /** An IP address literal. */
  readonly host: string
  readonly port: number
}

/** 16 bytes that start so are an IPv4 address (RFC 4291 §2.5.5.2). */
const MAPPED = Buffer.from('00000000000000000000ffff', 'hex')

/** The text of 4 or 16 address bytes, as the system writes it; undefined for other lengths. */
export function hostOf(bytes: Uint8Array): string | undefined {
  if (bytes.byteLength === 4) return bytes.join('.')
  if (bytes.byteLength !== 16) return undefined
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, 16)
  if (view.subarray(0, MAPPED.length).equals(MAPPED)) return view.subarray(12).join('.')
  const groups = Array.from({ length: 8 }, (_, at) => view.readUInt16BE(at * 2).toString(16))
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address
}

/**
 * The bytes of an IP address literal: 4, or 16; IPv4 written as IPv6 (`::ffff:1.2.3.4`) is IPv4.
 * Undefined for a name.
 */
export function bytesOf(host: string): Buffer | undefined {
  const family = isIP(host)
  if (family === 4) return Buffer.from(host.split('.').map(Number))
  if (family !== 6) return undefined
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host)?.[1]
  return mapped === undefined ? ipv6Bytes(host) : bytesOf(mapped)
}

/** The whole entries of a compact list in order, port 0 as well; a part of one at its end is dropped. */
export function parseCompact(bytes: Uint8Array, addressBytes: 4 | 16, limit: number): Address[] {
  const step = addressBytes + 2
  const count = Math.min(limit, Math.floor(bytes.byteLength / step))
  const found: Address[] = []
  for (let at = 0; at < count * step; at += step) {
    const host = hostOf(bytes.subarray(at, at + addressBytes))
    const port = ((bytes[at + addressBytes] ?? 0) << 8) | (bytes[at + addressBytes + 1] ?? 0)
    if (host !== undefined) found.push({ host, port })
  }
  return found
}

/** RFC 4291 §2.2 of text that `isIP` accepted. */
function ipv6Bytes(text: string): Buffer {
  const zoneless = text.split('%', 1)[0] ?? ''
  const [head = '', tail] = zoneless.split('::')
  const before = groupsOf(head)
  const after = groupsOf(tail ?? '')
  const zeros = new Array<number>(Math.max(0, 8 - before.length - after.length)).fill(0)
  const bytes = Buffer.alloc(16)
  for (const [at, group] of [...before, ...zeros, ...after].entries()) {
    bytes.writeUInt16BE(group, at * 2)
  }
  return bytes
}

/** 16-bit groups; a dotted tail counts as two. */
function groupsOf(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
    return [(a << 8) | b, (c << 8) | d]
  })
}
