/**
 * The keyless rule: which requests may use `/v1` while no key exists (CONTRACT, Authentication).
 *
 * A program on this machine may; a web page that a browser on this machine has open, and anybody
 * behind a proxy that runs on this machine, may not. Pure: every fact arrives as an argument.
 */
import type { IncomingMessage } from 'node:http'
import { isIPv4 } from 'node:net'

/** The part of a request that is looked at. */
export type RequestHead = Pick<IncomingMessage, 'httpVersion' | 'headers' | 'rawHeaders'>

/** Where the gateway listens, and the URL it was told that it has. */
export interface Binding {
  /** The bound address. */
  readonly address: string
  readonly port: number
  /** `SWARMGATE_GATEWAY_URL` */
  readonly url: string | undefined
}

/** True for `127.0.0.0/8`, `::1` and `localhost`, with or without brackets. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  return bare === 'localhost' || bare === '::1' || (isIPv4(bare) && bare.startsWith('127.'))
}

/**
 * Why a request does not count as local, for people; undefined when it does.
 */
export function whyForeign(request: RequestHead, binding: Binding): string | undefined {
  return whyReachable(binding) ?? whyProxied(request) ?? whyOtherSite(request, binding.port)
}

/** Why strangers may reach a gateway that is bound like this; undefined when they may not. */
export function whyReachable({ address, url }: Binding): string | undefined {
  if (!isLoopback(address)) return 'the gateway is not bound to a loopback address'
  if (url !== undefined && !isLoopback(new URL(url).hostname)) {
    return 'SWARMGATE_GATEWAY_URL is not a loopback URL'
  }
  return undefined
}

function whyProxied({ httpVersion, headers }: RequestHead): string | undefined {
  if (httpVersion !== '1.1') return `the request is HTTP/${httpVersion}, not HTTP/1.1`
  const proxied = Object.keys(headers).find(isProxyHeader)
  return proxied === undefined ? undefined : `the request came through a proxy (${proxied})`
}

function isProxyHeader(name: string): boolean {
  return /^(?:via|forwarded|x-real-ip|x-forwarded(?:-.*)?)$/i.test(name)
}

function whyOtherSite(request: RequestHead, port: number): string | undefined {
  const { headers } = request
  const hosts = ownHosts(port)
  if (!requestHosts(request).every((host) => hosts.includes(host))) {
    return `Host is not one of ${hosts.join(', ')}`
  }
  const { origin } = headers
  if (origin !== undefined && origin !== `http://${headers.host}`) return 'Origin is another site'
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'none' && site !== 'same-origin') {
    return 'Sec-Fetch-Site is another site'
  }
  return undefined
}

/** Every spelling of ours; the port may be left out where it is the scheme's own. */
function ownHosts(port: number): string[] {
  const names = ['localhost', '127.0.0.1', '[::1]']
  const withPort = names.map((name) => `${name}:${port}`)
  return port === 80 ? [...withPort, ...names] : withPort
}

/** Host as it was sent, and as the request target's authority replaced it, if it did. */
function requestHosts({ headers, rawHeaders }: RequestHead): string[] {
  const sent = rawHeaders.filter(
    (_, index) => /^host$/i.test(rawHeaders[index - 1] ?? '') && index % 2 === 1
  )
  return [headers.host ?? '', ...sent]
}
