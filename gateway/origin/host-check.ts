/**
 * Which host a request was for: the gateway itself, a site below it, or nobody here (421).
 *
 * Pure. Names decide; ports do not, because the port in a Host says which mapping or proxy the
 * request came by and not whom it was meant for. What this guards against is DNS rebinding (a
 * foreign name that points at us) and one origin for two torrents, and both are matters of names.
 */
import { isIPv4, isIPv6 } from 'node:net'
import type { InfoHash } from '../../core/info-hash.ts'
import { parseSiteLabel, siteLabel } from './site-label.ts'

export type RequestedHost =
  | { readonly kind: 'gateway' }
  | { readonly kind: 'site'; readonly infoHash: InfoHash }
  /** A site by its hex digits: its origin is `host`, the base32 name with the same port. */
  | { readonly kind: 'moved'; readonly infoHash: InfoHash; readonly host: string }
  | { readonly kind: 'foreign' }

export interface Hosts {
  /** @param host the Host of a request, a trusted proxy's `X-Forwarded-Host` applied. */
  classify(host: string): RequestedHost
  /**
   * The URL of a torrent as a site, ending in a slash; undefined where it cannot have one.
   * @param baseUrl of this gateway in links, as `createBaseUrl` gives it.
   */
  siteUrl(baseUrl: string, infoHash: InfoHash): string | undefined
  /** The gateway's own base, for links in an answer to a request that came to a site's host. */
  gatewayUrl(baseUrl: string): string
}

export interface HostsConfig {
  /** `SWARMGATE_GATEWAY_URL`; unset, any name may read and sites are below `localhost` only. */
  readonly url: string | undefined
}

const LOCALHOST = 'localhost'
const GATEWAY: RequestedHost = { kind: 'gateway' }
const FOREIGN: RequestedHost = { kind: 'foreign' }

export function createHosts({ url }: HostsConfig): Hosts {
  const configured = url === undefined ? undefined : new URL(url)
  const own = configured && withoutDot(configured.hostname)
  // Nothing can be below an address.
  const parents = own === undefined || isLiteral(own) ? [LOCALHOST] : [LOCALHOST, own]
  const strangers = configured === undefined ? GATEWAY : FOREIGN

  function classify(host: string): RequestedHost {
    // HTTP/1.0 without a Host asked for no name, so for none that is not ours.
    if (host === '') return GATEWAY
    const parsed = parseAuthority(host)
    if (parsed === undefined) return strangers
    const { name, port } = parsed
    if (name === own || name === LOCALHOST || isLiteral(name)) return GATEWAY
    const dot = name.indexOf('.')
    const parent = name.slice(dot + 1)
    const label = parents.includes(parent) ? parseSiteLabel(name.slice(0, dot)) : undefined
    if (label === undefined) return strangers
    const { infoHash, canonical } = label
    if (canonical) return { kind: 'site', infoHash }
    return { kind: 'moved', infoHash, host: `${siteLabel(infoHash)}.${parent}${port}` }
  }

  function siteUrl(baseUrl: string, infoHash: InfoHash): string | undefined {
    const { protocol, hostname, port, pathname } = new URL(baseUrl)
    // A gateway below a path shares its host with others, whose wildcard is not ours to use.
    if (pathname !== '/') return undefined
    const name = withoutDot(hostname)
    const parent = name === '127.0.0.1' || name === '[::1]' ? LOCALHOST : name
    if (!parents.includes(parent)) return undefined
    return `${protocol}//${siteLabel(infoHash)}.${parent}${port === '' ? '' : `:${port}`}/`
  }

  function gatewayUrl(baseUrl: string): string {
    const { protocol, host } = new URL(baseUrl)
    if (classify(host).kind !== 'site') return baseUrl
    return `${protocol}//${host.slice(host.indexOf('.') + 1)}`
  }

  return { classify, siteUrl, gatewayUrl }
}

/** `name` or `[v6]`, then perhaps a port. A name ending in a dot is the same name, fully given. */
const AUTHORITY = /^(\[[0-9a-f:.]+\]|[^\s:/?#@[\]\\]+)(:\d{0,5})?$/i

function parseAuthority(host: string): { name: string; port: string } | undefined {
  const [, name, port = ''] = AUTHORITY.exec(host) ?? []
  if (name === undefined) return undefined
  return { name: withoutDot(name.toLowerCase()), port: port === ':' ? '' : port }
}

function withoutDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name
}

function isLiteral(name: string): boolean {
  return isIPv4(name) || (name.startsWith('[') && isIPv6(name.slice(1, -1)))
}
