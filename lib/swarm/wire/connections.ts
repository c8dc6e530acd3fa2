/**
 * How many connections one thread has, and whose.
 *
 * Strangers together, strangers of one address, and connections whose handshake is not done are
 * limited apart from the nodes of the fleet, for which a part is always kept: of the thread and of
 * each torrent. When strangers fill theirs, one that has been of no use for a while makes way.
 * A node of the fleet looks like a stranger until it has proven itself: for that it gets a few
 * seconds in the fleet's part, on probation.
 */
import { addressGroup } from './address-group.ts'
import type { Peer } from './peer.ts'
import type { PeerStream } from './peer-stream.ts'

/** One in so many connections, of a thread and of a torrent, is kept for the fleet. */
const FLEET_ONE_IN = 4
/** Time in which a stranger may be of no use and keep its place though others want it. */
const IDLE_MS = 10_000
/** Time in which a peer in the fleet's part must have proven itself. */
const PROBATION_MS = 2000
/** The part of it that nobody else's wish for the place cuts short. */
const FAIR_CHANCE_MS = 500
/** Connections on probation from one address. */
const MAX_PROBATION_PER_ADDRESS = 8
/** A handshake that takes longer makes way for another when there are too many. */
const GREETING_MS = 1000
/** Unsent bytes of all connections together, above which those furthest behind are closed. */
const MAX_UNSENT_BYTES = 128 * 2 ** 20

export interface ConnectionLimits {
  /** Connections after their handshake, fleet and strangers. */
  readonly maxPeers: number
  readonly maxPeersPerTorrent: number
  /** Connections of strangers from one address (IPv6: one /64), handshakes included. */
  readonly maxPeersPerAddress: number
  /** Connections whose handshake is not done or whose torrent is being woken. */
  readonly maxGreeting: number
  /** Connections that are being made. */
  readonly maxHalfOpen: number
  /** There is a fleet whose nodes prove themselves. */
  readonly hasFleet: boolean
}

/** A connection others opened, before it belongs to a torrent. */
export type Guest = Pick<PeerStream, 'host' | 'destroy'>

export interface Connections {
  /** Counts a connection that begins its handshake; false when there is no room for it. */
  greet(guest: Guest): boolean
  /** It has been given to its torrent, or it ended. May be called twice. */
  greeted(guest: Guest): void
  /**
   * Makes room for a peer, if need be by closing an idle stranger. False: close it.
   * @param siblings the other connections of its torrent
   */
  admit(peer: Peer, siblings: ReadonlyMap<number, Peer>): boolean
  /** Frees its place. */
  closed(peer: Peer): void
  /**
   * May another connection be dialled?
   * @param fleet to a node of our own; @param siblings the connections of the torrent
   */
  mayDial(fleet: boolean, siblings: ReadonlyMap<number, Peer>): boolean
  /** A connection is being made (1), or is not any more (-1). */
  halfOpen(change: 1 | -1): void
  /** Closes who did not prove itself in time, and who does not read. @param now milliseconds */
  tick(now: number): void
}

type Place = 'regular' | 'probation' | 'none'

export function createConnections(limits: ConnectionLimits): Connections {
  const open = new Set<Peer>()
  const onProbation = new Set<Peer>()
  /** Since when, the oldest first. */
  const greeting = new Map<Guest, number>()
  let halfOpen = 0

  const isRegular = (peer: Peer) => peer.peerClass === 'stranger' && !onProbation.has(peer)

  function greet(guest: Guest): boolean {
    if (greeting.size >= limits.maxGreeting && !hurry([...greeting.keys()])) return false
    const group = addressGroup(guest.host)
    const here = [...greeting.keys()].filter(({ host }) => addressGroup(host) === group)
    const known = strangersOf(group)
    const isCrowded = known.length + here.length >= limits.maxPeersPerAddress
    if (isCrowded && !makeWay(known) && !hurry(here)) {
      // One of them may yet be a node of the fleet.
      if (!limits.hasFleet || here.length >= MAX_PROBATION_PER_ADDRESS) return false
    }
    greeting.set(guest, Date.now())
    return true
  }

  /** Closes the one that takes longest over its handshake, if it had its time. */
  function hurry([oldest]: readonly Guest[]): boolean {
    const since = oldest === undefined ? undefined : greeting.get(oldest)
    if (oldest === undefined || since === undefined || Date.now() - since < GREETING_MS)
      return false
    greeting.delete(oldest)
    oldest.destroy()
    return true
  }

  function admit(peer: Peer, siblings: ReadonlyMap<number, Peer>): boolean {
    const atAddress = placeAtAddress(peer)
    if (atAddress === 'none') return false
    const inTorrent = placeIn([...siblings.values()], limits.maxPeersPerTorrent, peer)
    if (inTorrent === 'none') return false
    const inThread = placeIn([...open], limits.maxPeers, peer)
    if (inThread === 'none') return false
    if ([atAddress, inTorrent, inThread].includes('probation')) {
      if (!mayBeOnProbation(peer)) return false
      onProbation.add(peer)
    }
    open.add(peer)
    return true
  }

  /** The place there is for the peer among `others`, of which at most `max` may be. */
  function placeIn(others: readonly Peer[], max: number, peer: Peer): Place {
    const strangers = others.filter(isRegular)
    const count = others.length
    if (peer.peerClass !== 'stranger') {
      return count < max || makeWay(strangers) || endChance(others) ? 'regular' : 'none'
    }
    if (strangers.length < strangerRoom(max) && count < max) return 'regular'
    if (makeWay(strangers)) return 'regular'
    if (!limits.hasFleet) return 'none'
    return count < max || endChance(others) ? 'probation' : 'none'
  }

  function placeAtAddress(peer: Peer): Place {
    if (peer.peerClass !== 'stranger') return 'regular'
    const known = strangersOf(addressGroup(peer.stream.host))
    if (known.length < limits.maxPeersPerAddress || makeWay(known)) return 'regular'
    return limits.hasFleet ? 'probation' : 'none'
  }

  function mayBeOnProbation(peer: Peer): boolean {
    const group = addressGroup(peer.stream.host)
    const same = [...onProbation].filter(({ stream }) => addressGroup(stream.host) === group)
    return same.length < MAX_PROBATION_PER_ADDRESS || endChance(same)
  }

  function strangersOf(group: string): Peer[] {
    return [...open].filter((peer) => isRegular(peer) && addressGroup(peer.stream.host) === group)
  }

  function countStrangers(peers: Iterable<Peer>): number {
    let strangers = 0
    for (const peer of peers) if (isRegular(peer)) strangers++
    return strangers
  }

  /** Closes the one of least use, if it has been of none for a while. */
  function makeWay(candidates: readonly Peer[]): boolean {
    const since = Date.now() - IDLE_MS
    let victim: Peer | undefined
    for (const peer of candidates) {
      if (usedAt(peer) >= since) continue
      if (victim === undefined || usedAt(peer) < usedAt(victim)) victim = peer
    }
    victim?.close('it was idle and another wants its place')
    return victim !== undefined
  }

  /** Closes the one that has been on probation for longest, if it had a fair chance. */
  function endChance(candidates: readonly Peer[]): boolean {
    const since = Date.now() - FAIR_CHANCE_MS
    for (const peer of candidates) {
      if (!onProbation.has(peer) || peer.node !== undefined || peer.openedAt > since) continue
      peer.close('others wait to prove themselves')
      return true
    }
    return false
  }

  /** Keeps what waits to be sent within bounds: who is furthest behind goes first. */
  function boundUnsent(): void {
    let unsent = 0
    for (const { stream } of open) unsent += stream.unsentBytes
    while (unsent > MAX_UNSENT_BYTES) {
      const [worst] = [...open].sort((a, b) => b.stream.unsentBytes - a.stream.unsentBytes)
      if (worst === undefined) return
      unsent -= worst.stream.unsentBytes
      worst.close('it reads more slowly than there is memory for')
    }
  }

  return {
    greet,
    greeted: (guest) => void greeting.delete(guest),
    admit,
    closed(peer) {
      open.delete(peer)
      onProbation.delete(peer)
    },
    mayDial(fleet, siblings) {
      if (fleet)
        return siblings.size - countStrangers(siblings.values()) < limits.maxPeersPerTorrent
      if (halfOpen >= limits.maxHalfOpen) return false
      if (countStrangers(open) >= strangerRoom(limits.maxPeers)) return false
      return countStrangers(siblings.values()) < strangerRoom(limits.maxPeersPerTorrent)
    },
    halfOpen(change) {
      halfOpen += change
    },
    tick(now) {
      for (const peer of onProbation) {
        if (peer.peerClass !== 'stranger') onProbation.delete(peer)
        else if (now - peer.openedAt > PROBATION_MS) peer.close('there is no room for strangers')
      }
      boundUnsent()
    }
  }
}

function strangerRoom(max: number): number {
  return max - Math.floor(max / FLEET_ONE_IN)
}

/** When bytes of content last moved, either way. */
function usedAt(peer: Peer): number {
  const downloadedAt = peer.downloadedBytes > 0 ? peer.progressedAt : 0
  return Math.max(peer.openedAt, peer.uploadedAt, downloadedAt)
}
