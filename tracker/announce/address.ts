/**
 * An IP address as the tracker needs it: raw bytes for compact answers, and whether it means
 * anything outside its own network.
 *
 * Addresses come from sockets only; nothing a client writes about itself is parsed here.
 */
import { isIPv4, isIPv6 } from 'node:net'

export type Family = 'ipv4' | 'ipv6'

export interface Address {
  readonly family: Family
  /** 4 or 16 bytes, network order. */
  readonly bytes: Uint8Array
  /** Loopback, link-local, private or shared address space: unreachable for the world. */
  readonly private: boolean
}

/**
 * The address a socket names, an IPv4-mapped one as IPv4 and without a zone; undefined when
 * `text` is not an address literal.
 */
export function parseAddress(text: string | undefined): Address | undefined {
  if (text === undefined) return undefined
  if (isIPv4(text)) return addressOf(ipv4Bytes(text))
  const zoneless = text.split('%', 1)[0] ?? ''
  if (!isIPv6(zoneless)) return undefined
  const bytes = ipv6Bytes(zoneless)
  return addressOf(isMapped(bytes) ? bytes.subarray(12) : bytes)
}

/** The address of its 4 or 16 raw bytes. */
export function addressOf(bytes: Uint8Array): Address {
  const v4 = bytes.length === 4
  return {
    family: v4 ? 'ipv4' : 'ipv6',
    bytes,
    private: v4 ? isPrivateIPv4(bytes) : isPrivateIPv6(bytes)
  }
}

function ipv4Bytes(text: string): Uint8Array {
  return Uint8Array.from(text.split('.'), Number)
}

/** RFC 4291 §2.2 of text that `isIPv6` accepted. */
function ipv6Bytes(text: string): Uint8Array {
  const [head = '', tail] = text.split('::', 2)
  const front = groupBytes(head)
  const back = tail === undefined ? [] : groupBytes(tail)
  const bytes = new Uint8Array(16)
  bytes.set(front, 0)
  bytes.set(back, 16 - back.length)
  return bytes
}

function groupBytes(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return [...ipv4Bytes(group)]
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
}

function isMapped(bytes: Uint8Array): boolean {
  return (
    bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff
  )
}

/** RFC 6890: this network, 10/8, 100.64/10, 127/8, 169.254/16, 172.16/12, 192.168/16. */
function isPrivateIPv4(bytes: Uint8Array): boolean {
  const [a = 0, b = 0] = bytes
  if (a === 0 || a === 10 || a === 127) return true
  if (a === 100) return b >= 64 && b < 128
  if (a === 169) return b === 254
  if (a === 172) return b >= 16 && b < 32
  return a === 192 && b === 168
}

/** RFC 6890: `::` and `::1`, fc00::/7 (unique local), fe80::/10 (link-local). */
function isPrivateIPv6(bytes: Uint8Array): boolean {
  const [a = 0, b = 0] = bytes
  if ((a & 0xfe) === 0xfc) return true
  if (a === 0xfe && (b & 0xc0) === 0x80) return true
  return bytes.subarray(0, 15).every((byte) => byte === 0) && (bytes[15] ?? 0) <= 1
}
