/**
 * Tells HTTP trackers which torrents this process takes part in, and hears of strangers from them.
 *
 * One per process. Bounded: so many announces at once over kept connections, the rest wait their
 * turn; each tracker of each torrent has its own interval and back-off. Our own address and, from a
 * tracker that is not in a private network itself, private addresses are left out.
 * Not its job: fleet nodes, which know each other from the feed; UDP and WebSocket trackers.
 */
import { randomBytes } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { Agent, request } from 'undici'
import type { InfoHash } from '../../core/info-hash.ts'
import type { Log, Service } from '../process/service.ts'
import { formatAddress, isPrivateAddress } from './address.ts'
import { type AnnounceAnswer, announceUrl, parseAnnounceAnswer } from './announce-exchange.ts'
import { type AnnounceJob, type AnnounceTiming, createAnnounceJob } from './announce-job.ts'
import type { PeerAddress } from './contract.ts'
import { createTurnstile } from './turnstile.ts'

const MAX_ANSWER_BYTES = 256 * 1024
const MAX_AT_ONCE = 16
const ANSWER_MS = 10_000
/** How long `close` waits for trackers to take the `stopped` of every torrent. */
const STOP_MS = 5000
const NUMWANT = 50
const MINUTE = 60_000

const TIMING: AnnounceTiming = {
  minIntervalMs: MINUTE,
  maxIntervalMs: 60 * MINUTE,
  defaultIntervalMs: 30 * MINUTE,
  firstRetryMs: 2000,
  lastRetryMs: 5 * MINUTE
}

export interface AnnouncerConfig {
  /** Announce URLs; those that are not http or https are left out. */
  readonly urls: readonly string[]
  /** The wire port peers shall dial for a torrent. */
  readonly port: (infoHash: InfoHash) => number
  /** `host:port` under which others know us, besides the addresses of this machine. */
  readonly self?: readonly string[]
  readonly timing?: Partial<AnnounceTiming>
}

export interface AnnounceTotals {
  readonly uploaded: number
  readonly downloaded: number
}

export interface Announcer extends Service {
  /**
   * Announces the torrent from now on; again does nothing.
   * @param left bytes missing, asked at each announce
   */
  announce(infoHash: InfoHash, left: () => number, totals?: () => AnnounceTotals): void
  /** The torrent became complete; told to the trackers if it was not so when first announced. */
  complete(infoHash: InfoHash): void
  /** Ends the announcing; resolves when the trackers were told, or could not be. */
  forget(infoHash: InfoHash): Promise<void>
}

interface Announced {
  readonly jobs: readonly AnnounceJob[]
  /** It was incomplete when first announced, and `completed` has not been told. */
  mayComplete: boolean
}

export function createAnnouncer(
  config: AnnouncerConfig,
  {
    log,
    onPeers
  }: {
    readonly log: Log
    readonly onPeers: (infoHash: InfoHash, peers: readonly PeerAddress[]) => void
  }
): Announcer {
  const urls = config.urls.filter((url) => /^https?:/i.test(url))
  const timing = { ...TIMING, ...config.timing }
  const peerId = `-SG0010-${randomBytes(9).toString('base64url')}`
  const key = randomBytes(4).toString('hex')
  const turnstile = createTurnstile(MAX_AT_ONCE)
  const agent = new Agent({
    connections: 4,
    keepAliveTimeout: 4 * MINUTE,
    keepAliveMaxTimeout: 10 * MINUTE,
    connect: { timeout: ANSWER_MS },
    headersTimeout: ANSWER_MS,
    bodyTimeout: ANSWER_MS
  })
  const announced = new Map<InfoHash, Announced>()
  /** Trackers that have not answered since the last failure. */
  const failing = new Set<string>()
  let closing: Promise<void> | undefined

  function announce(
    infoHash: InfoHash,
    left: () => number,
    totals: () => AnnounceTotals = () => ({ uploaded: 0, downloaded: 0 })
  ): void {
    if (closing !== undefined || announced.has(infoHash)) return
    const jobs = urls.map((url) =>
      createAnnounceJob(timing, {
        send: (event, trackerId) =>
          exchange(url, {
            ...totals(),
            infoHash,
            peerId,
            port: config.port(infoHash),
            left: left(),
            numwant: event === 'stopped' || left() === 0 ? 0 : NUMWANT,
            key,
            trackerId,
            event
          }),
        onPeers: (peers) => hear(infoHash, url, peers),
        onFailure: (reason, err) => noteFailure(url, { err, infoHash, url, reason })
      })
    )
    announced.set(infoHash, { jobs, mayComplete: left() > 0 })
    for (const job of jobs) job.start()
  }

  function exchange(
    url: string,
    query: Parameters<typeof announceUrl>[1]
  ): Promise<AnnounceAnswer> {
    return turnstile.pass(async () => {
      const { body } = await request(announceUrl(url, query), {
        dispatcher: agent,
        headers: { 'user-agent': 'Swarmgate', accept: '*/*' },
        signal: AbortSignal.timeout(2 * ANSWER_MS)
      })
      const chunks: Uint8Array[] = []
      let size = 0
      for await (const chunk of body) {
        if (!(chunk instanceof Uint8Array)) continue
        size += chunk.byteLength
        if (size > MAX_ANSWER_BYTES) throw new Error('the answer is too large')
        chunks.push(chunk)
      }
      return parseAnnounceAnswer(Buffer.concat(chunks))
    })
  }

  /** Strangers cannot find us through this tracker: said once, until it answers again. */
  function noteFailure(url: string, facts: object): void {
    log[failing.has(url) ? 'debug' : 'warn'](facts, 'announce failed')
    failing.add(url)
  }

  function hear(
    infoHash: InfoHash,
    url: string,
    peers: readonly { readonly host: string; readonly port: number }[]
  ): void {
    failing.delete(url)
    const isNear = isPrivateAddress(new URL(url).hostname.replace(/[[\]]/g, ''))
    const local = localHosts()
    const own = config.port(infoHash)
    const others = peers.filter(({ host, port }) => {
      if (port === own && local.has(host)) return false
      if (config.self?.includes(formatAddress(host, port))) return false
      return isNear || !isPrivateAddress(host)
    })
    if (others.length === 0 || !announced.has(infoHash)) return
    onPeers(
      infoHash,
      others.map(({ host, port }) => ({ host, port, class: 'stranger' }))
    )
  }

  async function forget(infoHash: InfoHash): Promise<void> {
    const entry = announced.get(infoHash)
    announced.delete(infoHash)
    await Promise.all(entry?.jobs.map((job) => job.stop()) ?? [])
  }

  async function shutDown(): Promise<void> {
    const told = Promise.all([...announced.keys()].map(forget))
    const deadline = new AbortController()
    await Promise.race([told, delay(STOP_MS, undefined, deadline)])
    deadline.abort()
    await agent.destroy()
    await told
  }

  return {
    name: 'announcer',
    announce,
    complete(infoHash) {
      const entry = announced.get(infoHash)
      if (entry === undefined || !entry.mayComplete) return
      entry.mayComplete = false
      for (const job of entry.jobs) job.complete()
    },
    forget,
    close() {
      closing ??= shutDown()
      return closing
    }
  }
}

/** Asked at each answer: addresses come and go with networks. */
function localHosts(): ReadonlySet<string> {
  const entries = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return new Set(entries.map(({ address }) => address))
}
