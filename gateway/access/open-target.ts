/**
 * The ways in which people name a torrent to an open gateway, beside `/{infohash}/…`:
 *
 *   /?magnet={magnet link, percent-encoded}     what a form or a browser's protocol handler sends
 *   /magnet:?xt=…                               a magnet link behind the gateway's URL, as pasted
 *   /{32 base32 digits}…                        the other spelling of an infohash
 *
 * Each is answered with a redirect to `/{infohash}/…`, so that one URL stands for one content. What
 * a magnet says of trackers (`tr`) and peers (`x.pe`) goes along in the query, where any content URL
 * may carry it. It is a stranger's: bounded here, and followed as `ForeignHints` says.
 */
import { isIP } from 'node:net'
import { decodeBase32 } from '../../core/base32.ts'
import { infoHashFromBytes } from '../../core/info-hash.ts'
import { parseMagnet } from '../../core/magnet.ts'
import type { ForeignHints } from '../../lib/node/foreign.ts'
import { isPrivateAddress, parseAddress } from '../../lib/swarm/address.ts'
import { MAX_GUEST_TRACKERS } from '../../lib/swarm/guest-trackers.ts'

const MAX_PEERS = 20
const MAX_URL = 1024

export interface OpenTarget {
  /** Path and query to go to. */
  readonly location: string
  /** 308 where it is for ever the same, 302 for a magnet link. */
  readonly status: 302 | 308
}

/**
 * Where a request target leads; undefined when it is none of the forms above.
 * @param target path and query, as sent
 */
export function openTarget(target: string): OpenTarget | undefined {
  const magnet = magnetIn(target)
  if (magnet !== undefined) return magnetTarget(magnet)
  const [, digits = '', rest = ''] = /^\/([a-z2-7]{32})((?:[/.?].*)?)$/is.exec(target) ?? []
  const bytes = digits === '' ? undefined : decodeBase32(digits)
  const infoHash = bytes && infoHashFromBytes(bytes)
  return infoHash && { location: `/${infoHash}${rest}`, status: 308 }
}

/** What the query of a content URL says about peers; `near`: the request is from this machine. */
export function hintsOf(query: URLSearchParams, near: boolean): ForeignHints {
  const trackers = [...new Set(query.getAll('tr'))].filter(isTracker).slice(0, MAX_GUEST_TRACKERS)
  const named = [...new Set(query.getAll('x.pe'))].slice(0, MAX_PEERS)
  const peers = named.flatMap((text) => {
    const peer = parseAddress(text)
    // A name would be resolved by us, and might lead anywhere.
    if (peer === undefined || isIP(peer.host) === 0) return []
    if (!near && isPrivateAddress(peer.host)) return []
    return [{ ...peer, class: 'stranger' as const }]
  })
  return { trackers, peers, near }
}

function magnetIn(target: string): string | undefined {
  const pasted = target.slice(1)
  if (/^magnet:\?/i.test(pasted)) return pasted
  if (/^magnet%3a(?:\?|%3f)/i.test(pasted)) return decoded(pasted)
  if (!target.startsWith('/?')) return undefined
  return new URLSearchParams(target.slice(2)).get('magnet') ?? undefined
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

function magnetTarget(text: string): OpenTarget | undefined {
  const magnet = parseMagnet(text)
  if (magnet === undefined) return undefined
  const query = new URLSearchParams()
  const trackers = [...new Set(magnet.trackers)].filter(isTracker).slice(0, MAX_GUEST_TRACKERS)
  for (const url of trackers) query.append('tr', url)
  const peers = new URLSearchParams(text.slice('magnet:?'.length)).getAll('x.pe')
  for (const peer of peers.slice(0, MAX_PEERS)) {
    if (parseAddress(peer) !== undefined) query.append('x.pe', peer)
  }
  const hints = query.size === 0 ? '' : `?${query}`
  return { location: `/${magnet.infoHash}/${hints}`, status: 302 }
}

/** WebSocket trackers lead to browsers only, and those offer themselves. */
function isTracker(url: string): boolean {
  return url.length <= MAX_URL && /^(?:https?|udp):\/\//i.test(url) && URL.canParse(url)
}
