/** Addresses of peers: how they are written, and which of them mean nothing outside a network. */
import { BlockList, isIP } from 'node:net'

const privateBlocks = privateAddressBlocks()

/** `host:port`, an IPv6 address in brackets. */
export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Splits what `formatAddress` writes; undefined when it is no address with a port above 0. */
export function parseAddress(address: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(address)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined || !(port >= 1 && port <= 65_535)) return undefined
  return { host, port }
}

/**
 * True for literals of loopback, link-local, private, shared, unspecified and test ranges, also
 * where they stand in an IPv6 address that leads to them (RFC 6052, 3056); a name is not.
 */
export function isPrivateAddress(host: string): boolean {
  const family = isIP(host)
  if (family === 0) return host === 'localhost'
  return privateBlocks.check(host, family === 6 ? 'ipv6' : 'ipv4')
}

function privateAddressBlocks(): BlockList {
  const list = new BlockList()
  const blocks: readonly (readonly [string, number])[] = [
    ['0.0.0.0', 8],
    ['10.0.0.0', 8],
    ['100.64.0.0', 10],
    ['127.0.0.0', 8],
    ['169.254.0.0', 16],
    ['172.16.0.0', 12],
    ['192.0.0.0', 24],
    ['192.168.0.0', 16],
    ['198.18.0.0', 15],
    ['224.0.0.0', 3],
    ['::', 96],
    ['64:ff9b:1::', 48],
    ['fc00::', 7],
    ['fe80::', 10],
    ['fec0::', 10],
    ['ff00::', 8]
  ]
  for (const [address, bits] of blocks) {
    if (isIP(address) === 6) {
      list.addSubnet(address, bits, 'ipv6')
      continue
    }
    list.addSubnet(address, bits, 'ipv4')
    list.addSubnet(`64:ff9b::${address}`, 96 + bits, 'ipv6')
    list.addSubnet(`2002:${inGroups(address)}::`, 16 + bits, 'ipv6')
  }
  return list
}

/** An IPv4 address as two groups of an IPv6 address. */
function inGroups(address: string): string {
  const bytes = Buffer.from(address.split('.').map(Number))
  return bytes.toString('hex').replace(/(?=.{4}$)/, ':')
}
