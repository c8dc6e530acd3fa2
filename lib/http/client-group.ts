/**
 * Whom an address stands for when clients are counted: an IPv4 address for itself, an IPv6
 * address for its /64, of which one client may use every address.
 */
import { BlockList, isIP } from 'node:net'

/** The key to count an address by: bounded in length, whatever a proxy forwarded. */
export function clientGroup(address: string): string {
  const plain = unmapped(address)
  return isIP(plain) === 6 ? `${prefixOf(plain)}/64` : plain.slice(0, 64)
}

/** True for this machine's own clients: a front that is not told of, a test, a person. */
export function isLoopback(address: string): boolean {
  const plain = unmapped(address)
  return plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'))
}

/** The named blocks that a list of trusted proxies may have beside addresses. */
const NAMED: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']
}

/** Tells whether an address is in one of these: addresses, blocks (`10.0.0.0/8`) or named ones. */
export function addressMatcher(blocks: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const block of blocks.flatMap((block) => NAMED[block] ?? [block])) {
    const [address = '', bits] = block.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return (address) => {
    const plain = unmapped(address)
    const family = isIP(plain)
    return family !== 0 && list.check(plain, family === 6 ? 'ipv6' : 'ipv4')
  }
}

function unmapped(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}

/** The first four of the eight groups, each without leading zeros. */
function prefixOf(address: string): string {
  const [head = '', tail] = address.replace(/%.*$/, '').split('::')
  const before = groupsOf(head)
  const after = groupsOf(tail ?? '')
  const zeros = tail === undefined ? 0 : 8 - before.length - after.length
  const groups = [...before, ...new Array<string>(Math.max(0, zeros)).fill('0'), ...after]
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}

/** A dotted quad at the end stands for two groups. */
function groupsOf(text: string): string[] {
  const groups = text === '' ? [] : text.split(':')
  return groups.flatMap((group) => (group.includes('.') ? ['0', '0'] : [group]))
}
