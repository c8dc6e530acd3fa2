/**
 * Who may announce, and whom they are told about.
 *
 * Reads requests, writes the swarm store, returns outcomes; knows no wire format. Nothing is kept
 * of an announce that is refused.
 */
import type { InfoHash } from '../../core/info-hash.ts'
import type { Log } from '../../lib/process/service.ts'
import type { Family } from './address.ts'
import type {
  AnnounceRequest,
  EndpointAnnounce,
  ScrapeRequest,
  SignallingAnnounce
} from './announce-request.ts'
import type { Approval, Verdict } from './approval.ts'
import type { LinkPeer } from './link-table.ts'
import { compactEntry } from './peer-table.ts'
import { NOBODY, type Swarm, type SwarmCounts } from './swarm.ts'
import type { SwarmStore } from './swarm-store.ts'

export interface Refusal {
  readonly kind: 'refused'
  /** Told to the client. */
  readonly reason: string
  /** When asking again may help (BEP 31). */
  readonly retryMinutes: number
}

export interface Acceptance {
  readonly kind: 'accepted'
  readonly counts: SwarmCounts
  /** Compact entries. UDP gets those of the requester's own family only. */
  readonly ipv4: Buffer
  readonly ipv6: Buffer
  /** For WebSocket peers, at most one for each offer they brought. */
  readonly links: readonly LinkPeer[]
}

export type AnnounceOutcome = Acceptance | Refusal

export interface Policy {
  announce(request: AnnounceRequest): Promise<AnnounceOutcome>
  /** In the order asked. A torrent without a swarm has nobody in it, published or not. */
  scrape(request: ScrapeRequest): readonly SwarmCounts[]
  /** The WebSocket peer of that id in that swarm: where an answer goes. */
  linkPeer(infoHash: InfoHash, peerId: string): LinkPeer | undefined
}

const NONE = Buffer.alloc(0)

export function createPolicy(deps: {
  readonly approval: Pick<Approval, 'ask'>
  readonly store: SwarmStore
  readonly nowS: () => number
  readonly log: Log
}): Policy {
  const { approval, store, nowS, log } = deps

  async function announce(request: AnnounceRequest): Promise<AnnounceOutcome> {
    if (request.protocol === 'ws' && request.answer !== undefined) return relayOnly(request)
    if (request.event === 'stopped') store.leave(request)
    const verdict = await ask(request.infoHash)
    if (verdict !== 'approved') return REFUSALS[verdict]
    if (request.event === 'stopped') return accept(request, store.swarm(request.infoHash), 0)
    const entry = store.enter(request, nowS())
    if (entry === 'too-many-swarms' || entry === 'peer-id-taken') return REFUSALS[entry]
    return accept(request, store.swarm(request.infoHash), request.numwant)
  }

  async function ask(infoHash: InfoHash): Promise<Verdict | 'unanswered'> {
    try {
      return await approval.ask(infoHash)
    } catch (err) {
      log.error({ err, infoHash }, 'asking for approval of an announce failed')
      return 'unanswered'
    }
  }

  /** An answer to an offer changes nothing here, but only those in the swarm may send one. */
  function relayOnly(request: SignallingAnnounce): AnnounceOutcome {
    const listed = linkPeer(request.infoHash, request.peerId)?.link === request.link
    return listed ? accept(request, store.swarm(request.infoHash), 0) : REFUSALS['not-announced']
  }

  function linkPeer(infoHash: InfoHash, peerId: string): LinkPeer | undefined {
    return store.swarm(infoHash)?.links.get(peerId)
  }

  function scrape(request: ScrapeRequest): readonly SwarmCounts[] {
    return request.infoHashes.map((infoHash) => store.swarm(infoHash)?.counts ?? NOBODY)
  }

  return { announce, scrape, linkPeer }
}

function accept(request: AnnounceRequest, swarm: Swarm | undefined, limit: number): Acceptance {
  const nobody = { kind: 'accepted', ipv4: NONE, ipv6: NONE, links: [] } as const
  if (swarm === undefined) return { ...nobody, counts: NOBODY }
  const { counts } = swarm
  if (limit === 0) return { ...nobody, counts }
  if (request.protocol === 'ws') {
    const query = { limit, seed: request.seed, self: request.peerId }
    return { ...nobody, counts, links: swarm.links.select(query) }
  }
  return { ...nobody, counts, ...endpoints(request, swarm, limit) }
}

/** The requester's own family first; over HTTP what is left of `limit` comes from the other. */
function endpoints(request: EndpointAnnounce, swarm: Swarm, limit: number) {
  const { family } = request.from
  const query = { seed: request.seed, private: request.from.private }
  const self = compactEntry(request.from, request.port)
  const own = swarm.table(family).select({ ...query, limit, self })
  if (request.protocol === 'udp') return { [family]: own }
  const other: Family = family === 'ipv4' ? 'ipv6' : 'ipv4'
  const room = limit - own.length / self.length
  return { [family]: own, [other]: swarm.table(other).select({ ...query, limit: room }) }
}

type RefusalCause =
  | Exclude<Verdict, 'approved'>
  | 'unanswered'
  | 'too-many-swarms'
  | 'peer-id-taken'
  | 'not-announced'

const REFUSALS: Readonly<Record<RefusalCause, Refusal>> = {
  refused: refusal('not published here', 30),
  busy: refusal('busy', 1),
  unanswered: refusal('cannot tell now whether this is published here', 1),
  'too-many-swarms': refusal('no room for another swarm', 10),
  'peer-id-taken': refusal('this peer_id is in use', 1),
  'not-announced': refusal('announce before you answer', 1)
}

function refusal(reason: string, retryMinutes: number): Refusal {
  return { kind: 'refused', reason, retryMinutes }
}
