/**
 * Tells trackers which torrents this process takes part in, and hears of strangers from them.
 *
 * One per process, for tens of thousands of torrents: over HTTP on kept connections, over UDP from
 * one socket per family. Our own address and, from a tracker that is not in a private network
 * itself, private addresses are left out.
 * Not its job: fleet nodes, which know each other from the feed; WebSocket trackers (`webrtc/`).
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { InfoHash } from '../../core/info-hash.ts'
import type { Log, Service } from '../process/service.ts'
import { isPrivateAddress } from './address.ts'
import type { AnnounceAnswer, AnnounceEvent } from './announce-exchange.ts'
import type {
  AnnouncedTorrent,
  AnnounceLine,
  AnnounceTiming,
  AnnounceTotals
} from './announce-line.ts'
import { type AnnounceList, createAnnounceList } from './announce-list.ts'
import { listsOf } from './announce-tiers.ts'
import type { PeerAddress } from './contract.ts'
import { createHttpTracker } from './http-tracker.ts'
import { createStrangers, type OwnAddresses } from './strangers.ts'
import { createUdpTracker } from './udp-tracker.ts'

export type { AnnounceTotals } from './announce-line.ts'

/** How long `close` waits for trackers to take the `stopped` of every torrent. */
const STOP_MS = 5000
const NUMWANT = 50
const MINUTE = 60_000

const TIMING: AnnounceTiming = {
  minIntervalMs: MINUTE,
  maxIntervalMs: 60 * MINUTE,
  defaultIntervalMs: 30 * MINUTE,
  firstRetryMs: 2000,
  lastRetryMs: 5 * MINUTE,
  hungryMs: MINUTE,
  spacingMs: 20
}

export interface AnnouncerConfig extends OwnAddresses {
  /**
   * Announce URLs: every tracker of them is told; of several URLs of one tracker (same host and
   * port) the first that answers. Those that are not http, https or udp are left out.
   */
  readonly urls: readonly string[]
  /** Tiers of announce URLs (BEP 12): one of them all is told. */
  readonly tiers?: readonly (readonly string[])[]
  /** Families in which the wire is reached; both unless told. UDP trackers hear of us in these. */
  readonly families?: readonly (4 | 6)[]
  readonly timing?: Partial<AnnounceTiming>
}

export interface Announcer extends Service {
  /**
   * Announces the torrent from now on: at once if bytes are missing, else when a slot is free.
   * Again it only lets a torrent that still waits for its slot go first, if bytes are missing now.
   * @param left bytes missing, asked at each announce
   */
  announce(infoHash: InfoHash, left: () => number, totals?: () => AnnounceTotals): void
  /** The torrent became complete; told to the trackers if it was not so when first announced. */
  complete(infoHash: InfoHash): void
  /** Ends the announcing; resolves when the trackers were told, or could not be. */
  forget(infoHash: InfoHash): Promise<void>
}

interface Announced extends AnnouncedTorrent {
  /** One per list of trackers, in their order. */
  readonly lines: AnnounceLine[]
  /** It was incomplete when first announced, and `completed` has not been told. */
  mayComplete: boolean
  left: () => number
}

const NOTHING_MOVED: AnnounceTotals = { uploaded: 0, downloaded: 0 }
const nothingMoved = () => NOTHING_MOVED

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
  const timing = { ...TIMING, ...config.timing }
  const peerId = `-SG0010-${randomBytes(9).toString('base64url')}`
  const key = randomBytes(4).toString('hex')
  const http = createHttpTracker()
  const udp = createUdpTracker(config.families === undefined ? {} : { families: config.families })
  const strangers = createStrangers(config)
  const lists: readonly AnnounceList[] = listsIn(config).map((urls) =>
    createAnnounceList(urls, timing, {
      send,
      onPeers: hear,
      onFailure: noteFailure,
      now: () => performance.now()
    })
  )
  const announced = new Map<InfoHash, Announced>()
  /** Trackers that have not answered since the last failure. */
  const failing = new Set<string>()
  let closing: Promise<void> | undefined

  function announce(
    infoHash: InfoHash,
    left: () => number,
    totals: () => AnnounceTotals = nothingMoved
  ): void {
    if (closing !== undefined) return
    const known = announced.get(infoHash)
    if (known !== undefined) {
      if (left() > 0) hurry(known, left)
      return
    }
    const torrent: Announced = { infoHash, left, totals, lines: [], mayComplete: left() > 0 }
    announced.set(infoHash, torrent)
    for (const list of lists) torrent.lines.push(list.add(torrent))
  }

  /** A sleeping torrent was announced as complete; whoever woke it knows better. */
  function hurry(known: Announced, left: () => number): void {
    known.left = left
    lists.forEach((list, at) => {
      const line = known.lines[at]
      if (line !== undefined) list.hurry(line)
    })
  }

  function send(
    url: string,
    { torrent, trackerId }: AnnounceLine,
    event: AnnounceEvent | undefined
  ): Promise<AnnounceAnswer> {
    const { infoHash } = torrent
    const left = torrent.left()
    const transport = /^udp:/i.test(url) ? udp : http
    return transport.exchange(url, {
      ...torrent.totals(),
      infoHash,
      peerId,
      port: config.port(infoHash),
      left,
      numwant: event === 'stopped' || left === 0 ? 0 : NUMWANT,
      key,
      trackerId,
      event
    })
  }

  /** Strangers cannot find us through this tracker: said once, until it answers again. */
  function noteFailure(
    { infoHash }: AnnouncedTorrent,
    url: string,
    reason: string,
    err?: unknown
  ): void {
    log[failing.has(url) ? 'debug' : 'warn']({ err, infoHash, url, reason }, 'announce failed')
    failing.add(url)
  }

  function hear(
    { infoHash }: AnnouncedTorrent,
    url: string,
    peers: readonly { readonly host: string; readonly port: number }[]
  ): number {
    failing.delete(url)
    if (peers.length === 0 || !announced.has(infoHash)) return 0
    const isNear = isPrivateAddress(new URL(url).hostname.replace(/[[\]]/g, ''))
    const others = strangers(infoHash, peers, isNear)
    if (others.length > 0) onPeers(infoHash, others)
    return others.length
  }

  async function forget(infoHash: InfoHash): Promise<void> {
    const lines = announced.get(infoHash)?.lines ?? []
    announced.delete(infoHash)
    await Promise.all(lines.map((line, at) => lists[at]?.remove(line)))
  }

  async function shutDown(): Promise<void> {
    const told = Promise.all([...announced.keys()].map(forget))
    http.hurry()
    udp.hurry()
    const deadline = new AbortController()
    await Promise.race([told, delay(STOP_MS, undefined, deadline).catch(() => {})])
    deadline.abort()
    for (const list of lists) list.close()
    await Promise.all([http.close(), udp.close()])
    await told
  }

  return {
    name: 'announcer',
    announce,
    complete(infoHash) {
      const torrent = announced.get(infoHash)
      if (torrent === undefined || !torrent.mayComplete) return
      torrent.mayComplete = false
      torrent.lines.forEach((line, at) => {
        lists[at]?.complete(line)
      })
    },
    forget,
    close() {
      closing ??= shutDown()
      return closing
    }
  }
}

function listsIn({ urls, tiers = [] }: AnnouncerConfig): string[][][] {
  const isSpoken = (url: string) => /^(https?|udp):/i.test(url)
  const spoken = tiers.map((tier) => tier.filter(isSpoken)).filter((tier) => tier.length > 0)
  return [...listsOf(urls.filter(isSpoken)), ...(spoken.length > 0 ? [spoken] : [])]
}
