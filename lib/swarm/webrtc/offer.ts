/**
 * A browser's offer, read and written anew: the native parser never sees a stranger's text.
 *
 * Pure. Kept is what a data channel needs (RFC 8841): ICE credentials, the fingerprint, the port
 * and size of SCTP, and a few candidates. Candidates are addresses we would send packets to, so
 * they must be UDP literals that a browser could have; names would cost a lookup each (the mDNS
 * names browsers hide behind resolve nowhere else anyway: they reach us, and ICE learns from that).
 */
import { isIP } from 'node:net'
import { isPrivateAddress } from '../address.ts'

const MAX_CANDIDATES = 12
/** RFC 8841 6.1: when an offer does not say. */
const DEFAULT_MESSAGE_BYTES = 65_536
const LAST_RESERVED_PORT = 1023

export interface Candidate {
  readonly host: string
  readonly port: number
  readonly priority: number
  readonly type: 'host' | 'srflx' | 'prflx' | 'relay'
}

export interface Offer {
  readonly ufrag: string
  readonly password: string
  /** SHA-256 of the certificate, as upper-case hex pairs. */
  readonly fingerprint: string
  readonly setup: 'actpass' | 'active' | 'passive'
  readonly mid: string
  readonly sctpPort: number
  /** The longest message the peer takes; 0 is no bound. */
  readonly maxMessageBytes: number
  readonly candidates: readonly Candidate[]
}

/**
 * Undefined when the text offers no data channel in the way of today's browsers. Never throws.
 *
 * @param near the offer came from our own network, so private addresses mean something to us
 */
export function parseOffer(sdp: string, near: boolean): Offer | undefined {
  const lines = sdp.split(/\r?\n/)
  const media = lines.filter((line) => line.startsWith('m='))
  if (media.length !== 1 || !/^m=application \d+ \S+ webrtc-datachannel$/.test(media[0] ?? '')) {
    return undefined
  }
  const find = (pattern: RegExp) => firstGroup(lines, pattern)
  const ufrag = find(/^a=ice-ufrag:([\w+/]{4,256})$/)
  const password = find(/^a=ice-pwd:([\w+/]{22,256})$/)
  const fingerprint = find(/^a=fingerprint:sha-256 ([0-9a-f]{2}(?::[0-9a-f]{2}){31})$/i)
  const setup = find(/^a=setup:(actpass|active|passive)$/)
  const mid = find(/^a=mid:([\w-]{1,16})$/)
  if (ufrag === undefined || password === undefined || fingerprint === undefined) return undefined
  if (!isSetup(setup) || mid === undefined) return undefined
  return {
    ufrag,
    password,
    fingerprint: fingerprint.toUpperCase(),
    setup,
    mid,
    sctpPort: numberIn(find(/^a=sctp-port:(\d{1,5})$/), 65_535) ?? 5000,
    maxMessageBytes:
      numberIn(find(/^a=max-message-size:(\d{1,10})$/), 2 ** 31 - 1) ?? DEFAULT_MESSAGE_BYTES,
    candidates: lines
      .flatMap((line) => parseCandidate(line))
      .filter(({ host }) => near || !isPrivateAddress(host))
      .slice(0, MAX_CANDIDATES)
  }
}

/** The offer in our words. */
export function offerText(offer: Offer): string {
  const candidates = offer.candidates.map(({ host, port, priority, type }, at) => {
    const base = type === 'host' ? '' : ' raddr 0.0.0.0 rport 0'
    return `a=candidate:${at + 1} 1 UDP ${priority} ${host} ${port} typ ${type}${base}`
  })
  const lines = [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    `a=group:BUNDLE ${offer.mid}`,
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 0.0.0.0',
    `a=mid:${offer.mid}`,
    `a=ice-ufrag:${offer.ufrag}`,
    `a=ice-pwd:${offer.password}`,
    'a=ice-options:trickle',
    `a=fingerprint:sha-256 ${offer.fingerprint}`,
    `a=setup:${offer.setup}`,
    `a=sctp-port:${offer.sctpPort}`,
    `a=max-message-size:${offer.maxMessageBytes}`,
    ...candidates
  ]
  return `${lines.join('\r\n')}\r\n`
}

function firstGroup(lines: readonly string[], pattern: RegExp): string | undefined {
  for (const line of lines) {
    const match = pattern.exec(line)
    if (match !== null) return match[1]
  }
  return undefined
}

function isSetup(text: string | undefined): text is Offer['setup'] {
  return text === 'actpass' || text === 'active' || text === 'passive'
}

/** Undefined when there is no text or it says 0 or too much. */
function numberIn(text: string | undefined, max: number): number | undefined {
  const value = Number(text)
  return value >= 1 && value <= max ? value : undefined
}

/** One candidate or none: only component 1, UDP, and an address literal (RFC 8839 5.1). */
function parseCandidate(line: string): Candidate[] {
  const match =
    /^a=candidate:\S{1,32} 1 udp (\d{1,10}) ([\da-f.:]{2,45}) (\d{1,5}) typ (host|srflx|prflx|relay)\b/i.exec(
      line
    )
  const [, priority, host = '', port, type = ''] = match ?? []
  const isPort = Number(port) > LAST_RESERVED_PORT && Number(port) < 65_536
  if (isIP(host) === 0 || !isPort || !isReachable(host) || Number(priority) >= 2 ** 32) return []
  return [
    {
      host,
      port: Number(port),
      priority: Number(priority),
      type: type.toLowerCase() as Candidate['type']
    }
  ]
}

/** Neither everybody nor nobody: such packets would reach more than one machine, or none. */
function isReachable(host: string): boolean {
  const first = Number.parseInt(host, 10)
  if (isIP(host) === 4) return first > 0 && first < 224
  return !/^ff/i.test(host) && !/^[0:]+$/.test(host)
}
