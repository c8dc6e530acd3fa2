/** Whether this machine speaks IPv6: some containers do not. */
import { networkInterfaces } from 'node:os'

const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])

/** Options of a test that needs the address ::1. */
export const NEEDS_IPV6 = {
  skip: addresses.some(({ address }) => address === '::1') ? false : 'no IPv6 on this machine'
} as const
