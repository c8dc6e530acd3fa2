/**
 * Magnet links (BEP 9): an infohash with hints.
 *
 * Building writes the order clients expect. Reading takes hex and base32 infohashes, the name and
 * the trackers; everything else in a stranger's link (`xs`, `as`, `ws`, `x.pe`) is ignored, and
 * whether a tracker of it is ever asked is the caller's decision.
 */
import { decodeBase32 } from './base32.ts'
import { type InfoHash, infoHashFromBytes, parseInfoHash } from './info-hash.ts'

export interface MagnetSpec {
  readonly infoHash: InfoHash
  readonly name: string
  /** Total bytes (`xl`). */
  readonly size?: number
  readonly announce: readonly string[]
  readonly webSeeds?: readonly string[]
}

export interface Magnet {
  readonly infoHash: InfoHash
  readonly name?: string
  readonly trackers: readonly string[]
}

const MAX_LENGTH = 64 * 1024
const MAX_TRACKERS = 100

/** The magnet link of a torrent. */
export function buildMagnet({ infoHash, name, size, announce, webSeeds = [] }: MagnetSpec): string {
  const parts = [`xt=urn:btih:${infoHash}`, `dn=${encode(name)}`]
  if (size !== undefined) parts.push(`xl=${size}`)
  for (const url of announce) parts.push(`tr=${encode(url)}`)
  for (const url of webSeeds) parts.push(`ws=${encode(url)}`)
  return `magnet:?${parts.join('&')}`
}

/**
 * What a magnet link says, or undefined when it is none, names no v1 infohash or names two.
 * Trackers past the hundredth are dropped.
 */
export function parseMagnet(text: string): Magnet | undefined {
  if (text.length > MAX_LENGTH || !/^magnet:\?/i.test(text)) return undefined
  const params = [...new URLSearchParams(text.slice('magnet:?'.length))]
  const topics = params.filter(([key]) => isKey(key, 'xt')).map(([, value]) => parseTopic(value))
  const infoHashes = new Set(topics.filter((topic) => topic !== undefined))
  const [infoHash] = infoHashes
  if (infoHash === undefined || infoHashes.size > 1) return undefined
  const trackers = params.filter(([key, value]) => isKey(key, 'tr') && value !== '')
  const name = params.find(([key, value]) => isKey(key, 'dn') && value !== '')?.[1]
  return {
    infoHash,
    ...(name === undefined ? {} : { name }),
    trackers: trackers.slice(0, MAX_TRACKERS).map(([, url]) => url)
  }
}

/** `xt` or, in links with several, `xt.1`. */
function isKey(key: string, name: string): boolean {
  return key === name || (key.startsWith(`${name}.`) && /^\d+$/.test(key.slice(name.length + 1)))
}

function parseTopic(topic: string): InfoHash | undefined {
  const match = /^urn:btih:([0-9a-z]+)$/i.exec(topic)
  const id = match?.[1] ?? ''
  if (id.length !== 32) return parseInfoHash(id)
  const bytes = decodeBase32(id)
  return bytes && infoHashFromBytes(bytes)
}

function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed())
}
