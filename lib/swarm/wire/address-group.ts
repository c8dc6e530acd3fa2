/**
 * What counts as one address where peers share something out.
 *
 * One connection costs nothing and neither does one IPv6 address: a household is given 2^64 of
 * them. So an IPv4 address counts as itself, an IPv6 address as its /64.
 */
const MAPPED = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i
const GROUPS = 8
const NETWORK_GROUPS = 4

/** The name of the group of an address literal; any other text is a group of its own. */
export function addressGroup(host: string): string {
  if (!host.includes(':')) return host
  const mapped = MAPPED.exec(host)?.[1]
  if (mapped !== undefined) return mapped
  const [head = '', tail] = host.toLowerCase().split('%')[0]?.split('::') ?? []
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, GROUPS - before.length - after.length)
  const groups = [...before, ...Array<string>(zeros).fill('0'), ...after]
  const network = groups.slice(0, NETWORK_GROUPS).map((group) => group.replace(/^0+(?=.)/, ''))
  return `${network.join(':')}::/64`
}
