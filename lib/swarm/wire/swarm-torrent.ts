/**
 * One torrent of the engine, from its first mention until it is left: its connections, and what
 * they are for.
 *
 * It may begin without metainfo, which it then learns (`learning.ts`); connections made for that
 * stay when the torrent is joined. From then on it fetches (`fetching.ts`) and serves (`serving.ts`).
 * A peer that lies is closed and its address banned.
 */
import type { InfoHash } from '../../../core/info-hash.ts'
import type { PeerAddress, Want } from '../contract.ts'
import { createPeerBook } from '../peer-book.ts'
import { createStatsFeed } from '../stats-feed.ts'
import { createDialling, type Dialled } from './dialling.ts'
import type { EngineParts } from './engine-parts.ts'
import { createGossip, listeningOf } from './gossip.ts'
import { encodeHandshake } from './handshake.ts'
import { createIntroductions } from './introductions.ts'
import { createLearning } from './learning.ts'
import { Peer } from './peer.ts'
import type { PeerIdentity } from './peer-identity.ts'
import { freshPeerId } from './peer-id.ts'
import type { PeerOwner } from './peer-owner.ts'
import type { PeerStream } from './peer-stream.ts'
import type { Arrival } from './reception.ts'
import { createSharing, type Sharing, type SharingSpec } from './sharing.ts'
import { createTraffic } from './traffic.ts'

/** What an unproven peer has, with access `fleet`, to prove itself. */
const PROOF_MS = 5000
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
    liar: (serial) => punish(serial, 'it sent a wrong info dictionary')
  })
  const dialling = createDialling({
    infoHash,
    book,
    tcp: parts.tcp,
    dht: false,
    mayDial: (fleet) => peers.size < config.maxPeersPerTorrent && connections.mayDial(fleet),
    isConnected,
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
    proven(peer) {
      sharing?.opened(peer)
      fleetChanged()
    }
  })
  const owner: PeerOwner = {
    introduced(peer) {
      introductions.introduced(peer)
      if (!peer.closed) learning.introduced(peer)
    },
    gained: (peer, index) => sharing?.gained(peer, index),
    lost: (peer, index) => sharing?.fetching.lost(peer, index),
    turned: (peer) => sharing?.fetching.turned(peer),
    interested: () => sharing?.serving.reviewSlots(),
    requested: (peer, index, begin, length) =>
      sharing?.serving.requested(peer, index, begin, length),
    blockStart: (peer, index, begin, length) =>
      sharing?.fetching.blockStart(peer, index, begin, length),
    blockEnd: (peer, index, begin) => sharing?.fetching.blockEnd(peer, index, begin),
    rejected: (peer, index, begin) => sharing?.fetching.rejected(peer, index, begin),
    extended(peer, name, payload) {
      if (name === 'ut_metadata') {
        learning.message(peer, payload, mayServe(peer) ? sharing?.metainfo.info : undefined)
      } else if (name === 'ut_pex') gossip.pex(peer, payload)
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

  function isConnected(address: string): boolean {
    for (const peer of peers.values()) {
      if (peer.dialled === address || listeningOf(peer) === address) return true
    }
    return false
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
    if (closing !== undefined || isSelf || book.isBanned(`${stream.host}:${stream.port}`)) {
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
    tell({
      onData: (bytes) => peer.receive(bytes),
      onDrain: () => peer.uploads?.drained(),
      onClose: (reason) => peer.close(reason)
    })
    if (peers.size >= config.maxPeersPerTorrent || !connections.admit(peer)) {
      stream.destroy()
      return
    }
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
    learning.closed(peer)
    sharing?.closed(peer)
    if (reason.startsWith('our fault')) post({ type: 'trouble', infoHash, message: reason })
    if (peer.node !== undefined) fleetChanged()
    if (isHungry()) dialling.dial(Date.now(), true)
  }

  function punish(serial: number, reason: string): void {
    const peer = peers.get(serial)
    if (peer === undefined) return
    book.ban(peer.dialled ?? peer.address)
    peer.close(reason)
  }

  function join(spec: SharingSpec): void {
    if (sharing !== undefined) return
    learning.stop()
    sharing = createSharing(spec, {
      ...parts,
      peers,
      mayServe,
      guilty: (serial) => punish(serial, 'it sent wrong bytes')
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
    accept,
    evict: async (first, end) => sharing?.serving.evict(first, end),
    tick,
    close() {
      closing ??= end()
      return closing
    }
  }
}
