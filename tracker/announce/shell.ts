/**
 * The protocol shell: bittorrent-tracker's Server without a listener, a parser or a memory of its
 * own. It encodes answers and relays offers; what it is asked and what it answers are ours.
 *
 * Between a door of the Server (`onHttpRequest`, …) and `getSwarm` everything is synchronous, so
 * the parsed request waits in one field meanwhile. `getSwarm` outside of that is the Server looking
 * for the receiver of an answer. Nothing may throw from our callbacks: nobody would catch it.
 */
import type { ServerResponse } from 'node:http'
import Server, {
  type Callback,
  type Params,
  type RemoteInfo,
  type Response,
  type SwarmHook
} from 'bittorrent-tracker/server'
import { type InfoHash, parseInfoHash } from '../../core/info-hash.ts'
import type { Log } from '../../lib/process/service.ts'
import type {
  AnnounceRequest,
  EndpointAnnounce,
  ScrapeRequest,
  SignallingAnnounce
} from './announce-request.ts'
import { announceAnswer, scrapeAnswer } from './answer.ts'
import { canonicalDatagram, canonicalHttp, canonicalMessage } from './canonical.ts'
import type { Link } from './link.ts'
import type { Policy } from './policy.ts'

/** Makes the Server pass `peers` through as they are. */
const ENCODED = 2

export interface ShellConfig {
  /** What clients are told; WebSocket peers a fifth of it. */
  readonly intervalMs: number
  readonly minIntervalMs: number
}

export class Shell extends Server {
  readonly #minIntervalS: number
  readonly #policy: Policy
  readonly #log: Log
  #request: AnnounceRequest | ScrapeRequest | undefined

  constructor(config: ShellConfig, deps: { readonly policy: Policy; readonly log: Log }) {
    super({ interval: config.intervalMs, http: false, udp: false, ws: false, stats: false })
    this.#minIntervalS = Math.ceil(config.minIntervalMs / 1000)
    this.#policy = deps.policy
    this.#log = deps.log
  }

  /** Answers on `response`. */
  serveHttp(request: EndpointAnnounce, response: ServerResponse, remoteAddress: string): void {
    this.#during(request, () => this.onHttpRequest(canonicalHttp(request, remoteAddress), response))
  }

  /** Answers through `udp4` or `udp6`, by the family of `from`. */
  serveUdp(
    request: EndpointAnnounce | ScrapeRequest,
    transactionId: number,
    from: RemoteInfo
  ): void {
    this.#during(request, () => this.onUdpRequest(canonicalDatagram(request, transactionId), from))
  }

  /** Answers on the link, and relays offers and answers to the links they are for. */
  serveLink(request: SignallingAnnounce | ScrapeRequest, link: Link): void {
    this.#during(request, () => link.emit('message', canonicalMessage(request)))
  }

  override getSwarm(infoHash: string, callback: Callback<SwarmHook>): void {
    const request = this.#request
    const hash = parseInfoHash(infoHash)
    callback(null, {
      announce: (params, answer) => {
        if (request?.kind === 'announce') void this.#announce(request, params, answer)
        else answer(new Error('not an announce'))
      },
      peers: { get: (peerId) => this.#receiver(hash, peerId) }
    })
  }

  override _onScrape(_params: Params, callback: Callback<Response>): void {
    const request = this.#request
    if (request?.kind === 'scrape') {
      callback(null, scrapeAnswer(request, this.#policy.scrape(request)))
    } else {
      callback(new Error('not a scrape'))
    }
  }

  async #announce(
    request: AnnounceRequest,
    params: Params,
    callback: Callback<Response>
  ): Promise<void> {
    try {
      const outcome = await this.#policy.announce(request)
      if (request.protocol !== 'ws') params.compact = ENCODED
      if (request.protocol === 'ws' && outcome.kind === 'refused') {
        return callback(new Error(outcome.reason))
      }
      callback(null, announceAnswer(request, outcome, this.#minIntervalS))
    } catch (err) {
      this.#log.error({ err, infoHash: request.infoHash }, 'answering an announce failed')
    }
  }

  #receiver(infoHash: InfoHash | undefined, peerId: string): { socket: Link } | undefined {
    const peer = infoHash === undefined ? undefined : this.#policy.linkPeer(infoHash, peerId)
    return peer === undefined ? undefined : { socket: peer.link }
  }

  #during(request: AnnounceRequest | ScrapeRequest, pass: () => void): void {
    this.#request = request
    try {
      pass()
    } catch (err) {
      this.#log.error({ err }, 'the protocol shell failed')
    } finally {
      this.#request = undefined
    }
  }
}
