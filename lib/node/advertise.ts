/** Which address other nodes are told when the settings name none. */
import { isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'

/**
 * The address to hand out for a listener bound to `host`: the bound one, or for a wildcard the
 * first address of this machine that is not its loopback (IPv4 first, as most fleets have it).
 */
export function advertisedHost(host: string): string {
  if (!isWildcard(host)) return host
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter((entry) => !entry.internal && !entry.address.startsWith('fe80:'))
    .map((entry) => entry.address)
  return addresses.find(isIPv4) ?? addresses[0] ?? '127.0.0.1'
}

/** True for the addresses that mean "every interface". */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::' || host === ''
}
