/**
 * The payload of `sg_fleet`: where the other proven gateways of a torrent listen.
 *
 * A bencoded list of `host:port`, whole each time: it replaces what was said before. Only proven
 * nodes send it, and only what proven nodes say is believed; what it says is bounded all the same.
 */
import { encodeBencode } from '../../../core/bencode.ts'
import { BencodeError, BencodeReader } from '../../../core/bencode-reader.ts'
import { formatAddress, parseAddress } from '../address.ts'
import type { Address } from './compact-address.ts'
import { WireError } from './wire-error.ts'

export const MAX_FLEET_ADDRESSES = 64

/** A host name has at most 253 characters. */
const MAX_ADDRESS_BYTES = 272
const HOST = /^[\w.:%-]{1,253}$/

/** @param addresses those past the limit are left out */
export function encodeFleetMessage(addresses: Iterable<Address>): Buffer {
  const texts: string[] = []
  for (const { host, port } of addresses) {
    if (texts.length === MAX_FLEET_ADDRESSES) break
    texts.push(formatAddress(host, port))
  }
  return encodeBencode(texts)
}

/**
 * The addresses, each once, at most `MAX_FLEET_ADDRESSES`; what is no address is passed over.
 * Throws `WireError` for bytes that are no bencoded list.
 */
export function parseFleetMessage(payload: Uint8Array): Address[] {
  const found = new Map<string, Address>()
  try {
    const reader = new BencodeReader(payload)
    reader.list(() => {
      const address = readAddress(reader)
      if (address !== undefined && found.size < MAX_FLEET_ADDRESSES) {
        found.set(formatAddress(address.host, address.port), address)
      }
    })
  } catch (error) {
    if (error instanceof BencodeError) throw new WireError('fleet message is not bencode')
    throw error
  }
  return [...found.values()]
}

function readAddress(reader: BencodeReader): Address | undefined {
  const start = reader.at
  const kind = reader.peek()
  reader.skip()
  if (kind !== 'string' || reader.at - start > MAX_ADDRESS_BYTES) return undefined
  const text = reader.bytes.toString('latin1', start, reader.at)
  const address = parseAddress(text.slice(text.indexOf(':') + 1))
  return address !== undefined && HOST.test(address.host) ? address : undefined
}
