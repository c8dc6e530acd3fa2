/**
 * How many connections one thread has, and whose.
 *
 * Strangers together, strangers of one address, and connections whose handshake is not done are
 * limited apart from the nodes of the fleet, for which a part is always kept. When strangers fill
 * theirs, one that has been of no use for a while makes way. A node of the fleet looks like a
 * stranger until it has proven itself: for that it gets a few seconds in the fleet's part.
 */
import { addressGroup } from './address-group.ts'
import type { Peer } from './peer.ts'

/** One in so many connections of a thread is kept for the fleet. */
const FLEET_ONE_IN = 4
/** Time in which a stranger may be of no use and keep its place though others want it. */
const IDLE_MS = 10_000
/** Time in which a peer in the fleet's part must have proven itself. */
const PROBATION_MS = 2000

export interface ConnectionLimits {
  /** Connections after their handshake, fleet and strangers. */
  readonly maxPeers: number
  /** Connections of strangers from one address (IPv6: one /64), handshakes included. */
  readonly maxPerAddress: number
  /** Connections whose handshake is not done. */
  readonly maxGreeting: number
  /** There is a fleet whose nodes prove themselves. */
  readonly hasFleet: boolean
}

export interface Connections {
  /** Counts a connection that begins its handshake; false when there is no room for it. */
  greet(host: string): boolean
  /** Its handshake is done, or it ended before. */
  greeted(host: string): void
  /** Makes room for a peer, if need be by closing an idle stranger. False: close it. */
  admit(peer: Peer): boolean
  /** Frees its place. */
  closed(peer: Peer): void
  /** May another connection be dialled? @param fleet to a node of our own */
  mayDial(fleet: boolean): boolean
  /** Closes who did not prove itself in time. @param now milliseconds */
  tick(now: number): void
  readonly count: number
}

export function createConnections(limits: ConnectionLimits): Connections {
  const strangerRoom = limits.maxPeers - Math.floor(limits.maxPeers / FLEET_ONE_IN)
  const open = new Set<Peer>()
  const onProbation = new Set<Peer>()
  const greetingFrom = new Map<string, number>()
  let greeting = 0

  function strangers(): Peer[] {
    return [...open].filter((peer) => peer.peerClass === 'stranger' && !onProbation.has(peer))
  }

  /** Closes the one of least use, if it has been of none for a while. */
  function makeWay(candidates: readonly Peer[]): boolean {
    const since = Date.now() - IDLE_MS
    const idle = candidates.filter((peer) => usedAt(peer) < since)
    const victim = idle.toSorted((a, b) => usedAt(a) - usedAt(b))[0]
    victim?.close('it was idle and another wants its place')
    return victim !== undefined
  }

  function greet(host: string): boolean {
    const group = addressGroup(host)
    const here = greetingFrom.get(group) ?? 0
    if (greeting >= limits.maxGreeting || here >= limits.maxPerAddress) return false
    const known = strangers().filter((peer) => addressGroup(peer.stream.host) === group)
    if (known.length + here >= limits.maxPerAddress && !makeWay(known)) return false
    greeting++
    greetingFrom.set(group, here + 1)
    return true
  }

  function admit(peer: Peer): boolean {
    if (peer.peerClass !== 'stranger') return enter(peer, open.size < limits.maxPeers)
    const known = strangers()
    if (known.length < strangerRoom || makeWay(known)) return enter(peer, true)
    if (!limits.hasFleet || open.size >= limits.maxPeers) return false
    onProbation.add(peer)
    return enter(peer, true)
  }

  function enter(peer: Peer, hasRoom: boolean): boolean {
    if (hasRoom || makeWay(strangers())) open.add(peer)
    return open.has(peer)
  }

  return {
    greet,
    greeted(host) {
      const group = addressGroup(host)
      const left = (greetingFrom.get(group) ?? 0) - 1
      greeting--
      if (left > 0) greetingFrom.set(group, left)
      else greetingFrom.delete(group)
    },
    admit,
    closed(peer) {
      open.delete(peer)
      onProbation.delete(peer)
    },
    mayDial: (fleet) => (fleet ? open.size < limits.maxPeers : strangers().length < strangerRoom),
    tick(now) {
      for (const peer of onProbation) {
        if (peer.peerClass !== 'stranger') onProbation.delete(peer)
        else if (now - peer.openedAt > PROBATION_MS) peer.close('there is no room for strangers')
      }
    },
    get count() {
      return open.size
    }
  }
}

/** When bytes of content last moved, either way. */
function usedAt(peer: Peer): number {
  const downloadedAt = peer.downloadedBytes > 0 ? peer.progressedAt : 0
  return Math.max(peer.openedAt, peer.uploadedAt, downloadedAt)
}
