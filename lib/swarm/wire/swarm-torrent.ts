/**
 * One torrent of the engine, from its first mention until it is left: its connections, and what
 * they are for.
 *
 * It may begin without metainfo, which it then learns (`learning.ts`); connections made for that
 * stay when the torrent is joined. From then on it fetches (`fetching.ts`) and serves (`serving.ts`).
 * A peer that lies is closed and its address banned.
 */
import type { InfoHash } from '../../../core/info-hash.ts'
import { formatAddress } from '../address.ts'
import type { PeerAddress, Want } from '../contract.ts'
import { createPeerBook } from '../peer-book.ts'
import { createStatsFeed } from '../stats-feed.ts'
import { createCulprits } from './culprits.ts'
import { createDialling, type Dialled } from './dialling.ts'
import type { EngineParts } from './engine-parts.ts'
import { createGossip, listeningOf } from './gossip.ts'
import { encodeHandshake } from './handshake.ts'
import { createIntroductions } from './introductions.ts'
import { createLearning } from './learning.ts'
import { Peer } from './peer.ts'
import { freshPeerId } from './peer-id.ts'
import type { PeerIdentity } from './peer-identity.ts'
import type { PeerOwner } from './peer-owner.ts'
import type { PeerStream } from './peer-stream.ts'
import type { Arrival } from './reception.ts'
import { createSharing, type Sharing, type SharingSpec } from './sharing.ts'
import { createTraffic } from './traffic.ts'

/** What an unproven peer has, with access `fleet`, to prove itself. */
const PROOF_MS = 5000
/** A connection that lasted so long may be dialled again at once. */
const STAYED_MS = 5000
const KEEP_ALIVE_MS = 100_000
/** Nothing came for this time, not even a keep-alive. */
const SILENT_LINE_MS = 180_000

export interface SwarmTorrent {
  readonly infoHash: InfoHash
  readonly joined: boolean
  readonly peerCount: number
  /** The metainfo is known: fetches and serves from now on. Throws when `spec` is no metainfo. */
  join(spec: SharingSpec): void
  want(want: Want): void
  introduce(peers: readonly PeerAddress[]): void
  /** Somebody wants to know the metainfo: `metadata` is posted, again if it was before. */
  discover(): void
  /** A connection of somebody who wants this torrent. */
  accept(arrival: Arrival): void
  evict(first: number, end: number): Promise<void>
  /** About ten times a second. @param now milliseconds */
  tick(now: number): void
  /** Resolves when no file is in use any more. */
  close(): Promise<void>
}

export function createSwarmTorrent(infoHash: InfoHash, parts: EngineParts): SwarmTorrent {
  const { config, connections, post } = parts
  const peers = new Map<number, Peer>()
  const book = createPeerBook()
  const traffic = createTraffic()
  const culprits = createCulprits({ peers, book })
  let sharing: Sharing | undefined
  let closing: Promise<void> | undefined

  const feed = createStatsFeed(
    () => traffic.snapshot(peers.values(), book),
    (stats) => post({ type: 'stats', infoHash, stats })
  )
  const learning = createLearning({
    infoHash,
    peers,
    learned: (info) => post({ type: 'metadata', infoHash, info }),
    liar: (serial) => culprits.punish(serial, 'it sent a wrong info dictionary')
  })
  const dialling = createDialling({
    infoHash,
    book,
    tcp: parts.tcp,
    dht: false,
    mayDial: (fleet) => connections.mayDial(fleet, peers),
    halfOpen: connections.halfOpen,
    connected: connectedAddresses,
    opened: openDialled
  })
  const gossip = createGossip({
    peers,
    isPublic: () => sharing?.metainfo.private === false,
    mayDial: book.mayDial,
    introduce
  })
  const introductions = createIntroductions({
    ...parts,
    infoHash,
    peers,
    book,
    sharing: () => sharing,
    mayServe,
    reclassed: traffic.reclassed,
    proven(peer) {
      sharing?.opened(peer)
      fleetChanged()
    }
  })
  const owner: PeerOwner = {
    introduced(peer) {
      introductions.introduced(peer)
      if (peer.closed || !isTrusted(peer)) return
      learning.introduced(peer)
      sharing?.introduced(peer)
    },
    gained(peer, index) {
      if (isTrusted(peer)) sharing?.gained(peer, index)
    },
    lost: (peer, index) => sharing?.fetching.lost(peer, index),
    turned: (peer) => sharing?.fetching.turned(peer),
    interested: (peer) => sharing?.serving.interested(peer),
    requested: (peer, index, begin, length) =>
      sharing?.serving.requested(peer, index, begin, length),
    blockStart: (peer, index, begin, length) =>
      sharing?.fetching.blockStart(peer, index, begin, length),
    blockEnd: (peer, index, begin) => sharing?.fetching.blockEnd(peer, index, begin),
    rejected: (peer, index, begin) => sharing?.fetching.rejected(peer, index, begin),
    extended(peer, name, payload) {
      if (!isTrusted(peer)) return
      if (name === 'ut_metadata') learning.message(peer, payload, sharing?.metainfo.info)
      else if (name === 'ut_pex') gossip.pex(peer, payload)
      else gossip.fleet(peer, payload)
    },
    closed
  }

  function fleetChanged(): void {
    sharing?.reviewFleet()
    gossip.fleetChanged()
  }

  function mayServe(peer: Peer): boolean {
    return config.access === 'open' || peer.node !== undefined
  }

  /** With access `fleet` a node proves itself in its first message: who says more is none. */
  function isTrusted(peer: Peer): boolean {
    if (!mayServe(peer)) peer.close('it has not proven to be of the fleet')
    return !peer.closed
  }

  function connectedAddresses(): ReadonlySet<string> {
    const known = [...peers.values()].flatMap((peer) => [
      peer.dialled ?? '',
      peer.alias ?? '',
      listeningOf(peer) ?? ''
    ])
    return new Set(known)
  }

  function introduce(more: readonly PeerAddress[]): void {
    if (closing !== undefined) return
    book.add(more)
    dialling.dial(Date.now(), isHungry())
  }

  function isHungry(): boolean {
    return sharing === undefined || sharing.fetching.hungry
  }

  function openDialled({ stream, their, ourId, address, peerClass, rest, tell }: Dialled): void {
    const serial = parts.nextSerial()
    open(stream, { serial, their, ourId, dialled: address, peerClass }, rest, tell)
  }

  function accept({ stream, their, rest, tell }: Arrival): void {
    const isSelf = dialling.isOurs(their.peerId)
    const isBanned = book.isBanned(formatAddress(stream.host, stream.port))
    if (closing !== undefined || isSelf || isBanned) {
      stream.destroy()
      return
    }
    const serial = parts.nextSerial()
    const ourId = freshPeerId()
    stream.write(encodeHandshake({ infoHash, peerId: ourId, dht: false }))
    open(stream, { serial, their, ourId, dialled: undefined, peerClass: 'stranger' }, rest, tell)
    stream.resume()
  }

  function open(
    stream: PeerStream,
    identity: PeerIdentity,
    rest: Uint8Array,
    tell: Dialled['tell']
  ): void {
    const peer = new Peer(stream, identity, owner, sharing?.metainfo.geometry.pieceCount)
    if (!connections.admit(peer, peers)) {
      stream.destroy()
      return
    }
    tell({
      onData: (bytes) => peer.receive(bytes),
      onDrain: () => peer.uploads?.drained(),
      onClose: (reason) => peer.close(reason)
    })
    peers.set(peer.serial, peer)
    traffic.opened()
    introductions.greet(peer)
    peer.receive(rest)
    if (peers.size === 1) feed.flush()
  }

  function closed(peer: Peer, reason: string): void {
    peers.delete(peer.serial)
    connections.closed(peer)
    traffic.closed(peer)
    culprits.left(peer)
    // Who stayed was no waste of a dial; who closes at once is dialled more and more rarely.
    const stayed = Date.now() - peer.openedAt > STAYED_MS || peer.downloadedBytes > 0
    if (stayed && peer.dialled !== undefined) book.connected(peer.dialled)
    learning.closed(peer)
    sharing?.closed(peer)
    if (reason.startsWith('our fault')) post({ type: 'trouble', infoHash, message: reason })
    if (peer.node !== undefined) fleetChanged()
    if (isHungry()) dialling.dial(Date.now(), true)
  }

  function join(spec: SharingSpec): void {
    if (sharing !== undefined) return
    learning.stop()
    sharing = createSharing(spec, {
      ...parts,
      peers,
      mayServe,
      guilty: (serial) => culprits.punish(serial, 'it sent wrong bytes')
    })
    for (const peer of [...peers.values()]) {
      peer.settle(sharing.metainfo.geometry.pieceCount)
      if (peer.closed) continue
      if (peer.their.extended) introductions.sayExtensions(peer)
      sharing.opened(peer)
      sharing.gained(peer, undefined)
    }
    sharing.reviewFleet()
    feed.flush()
  }

  function tendPeers(now: number): void {
    for (const peer of peers.values()) {
      if (now - peer.receivedAt > SILENT_LINE_MS) peer.close('the line is silent')
      else if (!mayServe(peer) && now - peer.openedAt > PROOF_MS) {
        peer.close('it has not proven to be of the fleet')
      } else if (now - peer.sentAt > KEEP_ALIVE_MS) {
        peer.outbox.keepAlive()
        peer.flushSoon()
      }
    }
  }

  function tick(now: number): void {
    if (closing !== undefined) return
    tendPeers(now)
    learning.tick(now)
    sharing?.tick(now)
    gossip.tick(now)
    dialling.dial(now, isHungry())
    feed.tick(now)
  }

  async function end(): Promise<void> {
    dialling.close()
    learning.stop()
    const ending = sharing?.close()
    for (const peer of [...peers.values()]) peer.close('we left the torrent')
    await ending
  }

  return {
    infoHash,
    get joined() {
      return sharing !== undefined
    },
    get peerCount() {
      return peers.size
    },
    join,
    want(want) {
      sharing?.setWant(want)
      dialling.dial(Date.now(), isHungry())
    },
    introduce,
    discover: learning.wanted,
    accept,
    evict: async (first, end) => sharing?.serving.evict(first, end),
    tick,
    close() {
      closing ??= end()
      return closing
    }
  }
}
