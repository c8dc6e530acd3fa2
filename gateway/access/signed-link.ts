/**
 * Signed links: `/s/{token}/{infohash}/…` opens what is at a path and below it, until a time.
 *
 *   token = {key id} "." {expiry} "." {depth} ["a"] "." {HMAC-SHA256, base64url}
 *
 * Expiry is seconds since 1970 in base 36. Depth is how many segments below the infohash are signed:
 * the requested path itself has them, so the token stays short, and a prefix ends at a slash by its
 * nature. `a`: only the signed client address may use it. The code covers version, host, infohash,
 * the signed segments as `encodeSegment` writes them (the one form of a path, however it was sent),
 * expiry and address. As the token is a segment of its own, relative links stay below it.
 * Nothing is remembered: a link ends by its time or with its key.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { isIPv4, isIPv6, SocketAddress } from 'node:net'
import type { InfoHash } from '../../core/info-hash.ts'
import { encodeSegment } from '../../core/segment-name.ts'

/** A key by which links are signed. */
export interface LinkKey {
  /** 1 to 32 letters, digits, `-` or `_`: it stands in every link. */
  readonly id: string
  readonly secret: string
}

/** What a link opens. */
export interface LinkTarget {
  /** Host and port of the gateway's URL, as `URL.host` writes them. */
  readonly host: string
  readonly infoHash: InfoHash
  /** The torrent's name, then the path in it; empty: all of the torrent and its documents. */
  readonly segments: readonly string[]
}

export interface LinkGrant extends LinkTarget {
  /** Milliseconds since 1970; rounded up to a second. */
  readonly expiresAt: number
  /** The only client address that may use it. */
  readonly address?: string | undefined
}

export interface LinkUse extends LinkTarget {
  /** The address the request came from. */
  readonly address: string
  /** Milliseconds since 1970. */
  readonly now: number
}

export type LinkOutcome =
  | { readonly status: 'ok'; readonly remainingSeconds: number }
  /** Of a key that is not known, forged, of another host, path or address, or no token at all. */
  | { readonly status: 'invalid' }
  | { readonly status: 'expired' }

export const KEY_ID = /^[A-Za-z0-9_-]{1,32}$/
const TOKEN = /^([A-Za-z0-9_-]{1,32})\.([0-9a-z]{1,9})\.(0|[1-9][0-9]{0,3})(a?)\.([\w-]{43})$/
const INVALID: LinkOutcome = { status: 'invalid' }

/**
 * The token of a link, to stand after `/s/`.
 * @throws RangeError for an `address` that is none.
 */
export function signLink(key: LinkKey, grant: LinkGrant): string {
  const expiry = Math.ceil(grant.expiresAt / 1000)
  const { address, segments } = grant
  const client = address === undefined ? '' : canonicalAddress(address)
  if (client === undefined) throw new RangeError('not an IP address')
  const code = codeOf(key, { ...grant, expiry, client }).toString('base64url')
  const bound = address === undefined ? '' : 'a'
  return `${key.id}.${expiry.toString(36)}.${segments.length}${bound}.${code}`
}

/** Whether a token opens what is asked for. Takes the same time for any wrong code. */
export function readLink(keys: readonly LinkKey[], token: string, use: LinkUse): LinkOutcome {
  const [, id, expiryText = '', depthText, bound, given = ''] = TOKEN.exec(token) ?? []
  const key = keys.find((one) => one.id === id)
  const depth = Number(depthText)
  if (key === undefined || !(depth <= use.segments.length)) return INVALID
  const client = bound === 'a' ? canonicalAddress(use.address) : ''
  if (client === undefined) return INVALID
  const expiry = Number.parseInt(expiryText, 36)
  const segments = use.segments.slice(0, depth)
  const expected = codeOf(key, { ...use, segments, expiry, client })
  if (!timingSafeEqual(expected, Buffer.from(given, 'base64url'))) return INVALID
  const remainingSeconds = expiry - Math.floor(use.now / 1000)
  return remainingSeconds > 0 ? { status: 'ok', remainingSeconds } : { status: 'expired' }
}

interface Signed extends LinkTarget {
  /** Seconds since 1970. */
  readonly expiry: number
  /** Canonical, or empty for any. */
  readonly client: string
}

/** No part can hold a line break, so none can pass for two. */
function codeOf(key: LinkKey, { host, infoHash, segments, expiry, client }: Signed): Buffer {
  const path = [infoHash, ...segments.map(encodeSegment)].join('/')
  return createHmac('sha256', key.secret)
    .update(['swarmgate link 1', host.toLowerCase(), path, expiry, client].join('\n'))
    .digest()
}

/** One spelling of an IP address: IPv4 also where it came as IPv4-mapped IPv6, no zone. */
export function canonicalAddress(text: string): string | undefined {
  const bare = text.replace(/%.*$/s, '')
  const mapped = bare.replace(/^::ffff:(?=\d+\.)/i, '')
  if (isIPv4(mapped)) return mapped
  if (!isIPv6(bare)) return undefined
  return new SocketAddress({ address: bare, family: 'ipv6' }).address
}
