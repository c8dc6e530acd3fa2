/**
 * Announce and scrape as HTTP carries them (BEP 3, 21, 23, 48): the request line, parsed.
 *
 * `ip`, `ipv4`, `ipv6`, `compact`, `key`, `trackerid` and whatever else a client may send are not
 * read: the address is the connection's, answers are always compact (BEP 23 leaves that to us).
 */
import { type InfoHash, infoHashFromBytes } from '../../core/info-hash.ts'
import type { Address } from './address.ts'
import {
  type AnnounceEvent,
  capNumwant,
  type EndpointAnnounce,
  EVENTS,
  type InvalidRequest,
  invalid,
  MAX_SCRAPE,
  type ScrapeRequest
} from './announce-request.ts'

export type HttpRequest = EndpointAnnounce | ScrapeRequest | InvalidRequest

/** Undefined when the path is neither `/announce` nor `/scrape`. */
export function httpAction(url: string | undefined): 'announce' | 'scrape' | undefined {
  const path = (url ?? '').split('?', 1)[0]
  if (path === '/announce') return 'announce'
  return path === '/scrape' ? 'scrape' : undefined
}

/** @param url the request target as it came */
export function parseHttpRequest(url: string, from: Address): HttpRequest {
  const query = parseQuery(url)
  if (query === undefined) return invalid('malformed percent-encoding')
  return httpAction(url) === 'scrape' ? parseScrape(query) : parseAnnounce(query, from)
}

function parseAnnounce(query: Query, from: Address): EndpointAnnounce | InvalidRequest {
  const hashes = query.get('info_hash') ?? []
  const infoHash = hashes.length === 1 ? infoHashOfText(hashes[0]) : undefined
  if (infoHash === undefined) return invalid('info_hash must be given once and be 20 bytes')
  const peerId = first(query, 'peer_id')
  if (peerId?.length !== 20) return invalid('peer_id must be 20 bytes')
  const port = integer(first(query, 'port'))
  if (port === undefined || port < 1 || port > 65_535) return invalid('port must be 1 to 65535')
  return {
    kind: 'announce',
    protocol: 'http',
    infoHash,
    peerId: Buffer.from(peerId, 'latin1').toString('hex'),
    port,
    from,
    event: eventOf(first(query, 'event')),
    seed: integer(first(query, 'left')) === 0,
    numwant: capNumwant(integer(first(query, 'numwant')))
  }
}

function parseScrape(query: Query): ScrapeRequest | InvalidRequest {
  const hashes = query.get('info_hash') ?? []
  if (hashes.length === 0) return invalid('info_hash is required: there is no full scrape')
  if (hashes.length > MAX_SCRAPE) return invalid(`at most ${MAX_SCRAPE} info_hash in one scrape`)
  const infoHashes = new Set<InfoHash>()
  for (const text of hashes) {
    const infoHash = infoHashOfText(text)
    if (infoHash === undefined) return invalid('info_hash must be 20 bytes')
    infoHashes.add(infoHash)
  }
  return { kind: 'scrape', protocol: 'http', infoHashes: [...infoHashes] }
}

/** Values as binary strings, one character per byte; names as they are written. */
type Query = ReadonlyMap<string, readonly string[]>

function parseQuery(url: string): Query | undefined {
  const query = new Map<string, string[]>()
  const start = url.indexOf('?')
  if (start === -1) return query
  for (const pair of url.slice(start + 1).split('&')) {
    const equals = pair.indexOf('=')
    if (equals === -1) continue
    const value = decodeBinary(pair.slice(equals + 1))
    if (value === undefined) return undefined
    const name = pair.slice(0, equals)
    const values = query.get(name)
    if (values === undefined) query.set(name, [value])
    else values.push(value)
  }
  return query
}

/** Percent-decoding without UTF-8: hashes and peer ids are arbitrary bytes. */
function decodeBinary(text: string): string | undefined {
  if (/%(?![0-9a-f]{2})/i.test(text)) return undefined
  const spaced = text.replaceAll('+', ' ')
  return spaced.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

function first(query: Query, name: string): string | undefined {
  return query.get(name)?.[0]
}

function infoHashOfText(text: string | undefined): InfoHash | undefined {
  return infoHashFromBytes(Buffer.from(text ?? '', 'latin1'))
}

/** A non-negative decimal integer, of any size; nothing else is one. */
function integer(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,20}$/.test(text) ? Number(text) : undefined
}

function eventOf(text: string | undefined): AnnounceEvent {
  return EVENTS.find((event) => event === text) ?? 'update'
}
