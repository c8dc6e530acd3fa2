/** Requests as the wire files make them, for the tests of policy and state. */
import { parseAddress } from '../../../tracker/announce/address.ts'
import type {
  EndpointAnnounce,
  SignallingAnnounce
} from '../../../tracker/announce/announce-request.ts'
import { Link } from '../../../tracker/announce/link.ts'
import { hashOf } from './tracker-fixture.ts'

export function endpoint(ip: string, more: Partial<EndpointAnnounce> = {}): EndpointAnnounce {
  return {
    kind: 'announce',
    protocol: 'http',
    infoHash: hashOf(1),
    event: 'update',
    seed: false,
    numwant: 50,
    from: addressFrom(ip),
    port: 6881,
    peerId: '00'.repeat(20),
    ...more
  }
}

export function linkOf(ip: string): Link {
  return new Link({ address: addressFrom(ip), text: ip, port: 1 }, () => {})
}

/** The link speaks for `peerId` from now on. */
export function signalling(
  link: Link,
  peerId: string,
  more: Partial<SignallingAnnounce> = {}
): SignallingAnnounce {
  link.mayActFor(peerId)
  return {
    kind: 'announce',
    protocol: 'ws',
    infoHash: hashOf(1),
    event: 'update',
    seed: false,
    numwant: 5,
    from: link.address,
    peerId,
    link,
    offers: [],
    answer: undefined,
    ...more
  }
}

function addressFrom(ip: string) {
  const address = parseAddress(ip)
  if (address === undefined) throw new Error(`not an address: ${ip}`)
  return address
}
