/**
 * Parsers of setting texts. Each returns the value or throws an `Error` that says what the text
 * must be; the variable's name and the offending text are added by `loadConfig`.
 */
import { isIP } from 'node:net'
import { parseDuration, parseSize } from '../../core/units.ts'

/** Any text; surrounding white space is dropped. */
export function parseText(text: string): string {
  const trimmed = text.trim()
  if (trimmed === '') throw new Error('must not be empty')
  return trimmed
}

/** A shared secret, exactly as given: white space in it is refused, being most likely a slip. */
export function parseSecret(text: string): string {
  if (!/^[\x21-\x7e]+$/.test(text)) {
    throw new Error('must be printable ASCII characters without white space')
  }
  return text
}

/** A TCP or UDP port; 0 takes a free one. */
export function parsePort(text: string): number {
  return parseInteger(text, 0, 65_535, 'a port number from 0 to 65535')
}

/** A parser of whole numbers between bounds, both included. */
export function parseCount(min: number, max: number = Number.MAX_SAFE_INTEGER) {
  return (text: string): number =>
    parseInteger(text, min, max, `a whole number from ${min} to ${max}`)
}

function parseInteger(text: string, min: number, max: number, expected: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= min && value <= max)) throw new Error(`must be ${expected}`)
  return value
}

/** An address to bind to: an IP literal (IPv6 with or without brackets) or a host name. */
export function parseHost(text: string): string {
  const bare = /^\[(.*)\]$/.exec(text)?.[1] ?? text
  if (isIP(bare) !== 0) return bare
  if (bare === text && isHostName(text)) return text.toLowerCase()
  throw new Error('must be an IP address or a host name, without a port')
}

function isHostName(text: string): boolean {
  const labels = text.split('.')
  const label = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i
  const numeric = labels.every((part) => /^\d+$/.test(part))
  return text.length <= 253 && !numeric && labels.every((part) => label.test(part))
}

/** `host:port`, normalised: IPv6 in brackets, the port above 0. */
export function parseHostPort(text: string): string {
  const match = /^(\[[^\]]+\]|[^:]+):(\d{1,5})$/.exec(text)
  const port = Number(match?.[2])
  if (match === null || !(port >= 1 && port <= 65_535)) {
    throw new Error('must be host:port, an IPv6 address in brackets')
  }
  const host = parseHost(match[1] as string)
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** A base URL: http or https, no query, fragment or credentials; without the trailing slash. */
export function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new Error('must be a URL that begins with http:// or https://')
  }
  if (/[?#]/.test(text) || url.username !== '' || url.password !== '') {
    throw new Error('must be a URL without query, fragment and credentials')
  }
  return url.href.replace(/\/+$/, '')
}

/** The URL of a tracker's announce: http, https, udp, ws or wss. */
export function parseAnnounceUrl(text: string): string {
  if (!/^(https?|udp|wss?):\/\/[^\s/]/.test(text) || !URL.canParse(text)) {
    throw new Error('must be a URL that begins with http://, https://, udp://, ws:// or wss://')
  }
  return text
}

/** An origin as browsers send it: scheme, host and port, nothing after; or `*`. */
export function parseOrigin(text: string): string {
  if (text === '*') return text
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || url.origin === 'null' || url.origin !== text.toLowerCase()) {
    throw new Error('must be an origin like https://example.org, without a path')
  }
  return url.origin
}

/** An IP address, a block of them (`10.0.0.0/8`), or `loopback`, `linklocal`, `uniquelocal`. */
export function parseAddressBlock(text: string): string {
  if (/^(loopback|linklocal|uniquelocal)$/.test(text)) return text
  const [address = '', prefix] = text.split(/\/(.*)/s)
  const bits = { 0: -1, 4: 32, 6: 128 }[isIP(address)] as number
  const prefixFits = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits)
  if (bits < 0 || !prefixFits) throw new Error('must be an IP address or a block like 10.0.0.0/8')
  return text
}

/** Bytes: `20GiB`, `512KiB`, `5MB`, `1000`. */
export function parseSizeSetting(text: string): number {
  const bytes = parseSize(text)
  if (bytes === undefined) throw new Error('must be a size like 20GiB, 512KiB or 1000000')
  return bytes
}

/** Milliseconds: `30s`, `24h`, `150ms`, `5m`, `2d`. */
export function parseDurationSetting(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined) throw new Error('must be a duration like 150ms, 30s, 5m or 24h')
  return ms
}

export function parseBoolean(text: string): boolean {
  if (text === 'true') return true
  if (text === 'false') return false
  throw new Error('must be true or false')
}

/** A parser of one of the given words. */
export function parseChoice<const T extends string>(...choices: readonly T[]) {
  return (text: string): T => {
    const found = choices.find((choice) => choice === text)
    if (found === undefined) throw new Error(`must be ${choices.join(' or ')}`)
    return found
  }
}

/** A parser of a list separated by commas; empty items are dropped, at most 256 are taken. */
export function parseList<T>(parseItem: (text: string) => T) {
  return (text: string): readonly T[] => {
    const items = text.split(',').map((item) => item.trim())
    const given = items.filter((item) => item !== '')
    if (given.length > 256) throw new Error('must not list more than 256 items')
    return given.map(parseItem)
  }
}
