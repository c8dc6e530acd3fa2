/**
 * Outcomes as the protocol shell wants them: dictionaries whose every key it sends on.
 *
 * Peers are encoded already; over WebSocket they are the links that get the requester's offers.
 */
import type { Response } from 'bittorrent-tracker/server'
import { encodeBencode } from '../../core/bencode.ts'
import type { AnnounceRequest, ScrapeRequest } from './announce-request.ts'
import { binary } from './canonical.ts'
import type { Acceptance, AnnounceOutcome, Refusal } from './policy.ts'
import type { SwarmCounts } from './swarm.ts'
import { ACTION } from './udp-packet.ts'

/** BEP 3, 7, 23, 24, 31; the shell adds the interval of an accepted announce. */
export function announceAnswer(
  request: AnnounceRequest,
  outcome: AnnounceOutcome,
  minIntervalS: number
): Response {
  if (outcome.kind === 'refused') return refusalAnswer(outcome)
  const { complete, incomplete } = outcome.counts
  if (request.protocol === 'ws') {
    return { complete, incomplete, peers: outcome.links.map(({ link }) => ({ socket: link })) }
  }
  if (request.protocol === 'udp')
    return { complete, incomplete, peers: outcome[request.from.family] }
  return {
    complete,
    incomplete,
    'min interval': minIntervalS,
    'external ip': request.from.bytes,
    peers: outcome.ipv4,
    ...peers6(outcome)
  }
}

function peers6({ ipv6 }: Acceptance): { peers6?: Buffer } {
  return ipv6.length === 0 ? {} : { peers6: ipv6 }
}

function refusalAnswer({ reason, retryMinutes }: Refusal): Response {
  return {
    action: ACTION.error,
    'failure reason': reason,
    'retry in': retryMinutes,
    interval: retryMinutes * 60
  }
}

/** `counts` in the order of the request's infohashes (BEP 15, 48). */
export function scrapeAnswer(request: ScrapeRequest, counts: readonly SwarmCounts[]): Response {
  const files = request.infoHashes.map((infoHash, index) => {
    // A UDP answer is a list, and may name a torrent twice.
    const key = request.protocol === 'udp' ? String(index) : binary(infoHash)
    return [key, counts[index]] as const
  })
  return { action: ACTION.scrape, files: Object.fromEntries(files) }
}

/** The body of an HTTP scrape; the shell would write the infohashes as UTF-8. */
export function scrapeBody(request: ScrapeRequest, counts: readonly SwarmCounts[]): Buffer {
  const files = new Map(
    request.infoHashes.map((infoHash, index) => [binary(infoHash), { ...counts[index] }] as const)
  )
  return encodeBencode({ files })
}

/** The body that tells an HTTP client what was wrong with its request. */
export function failureBody(reason: string): Buffer {
  return encodeBencode({ 'failure reason': reason })
}
