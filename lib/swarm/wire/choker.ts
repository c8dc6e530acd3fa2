/**
 * Who may ask for blocks: a server's choker.
 *
 * A client trades: it unchokes who gives it most (tit-for-tat, BEP 3). Our nodes serve: they want
 * nothing back, so all that counts is that the upload is used and shared out. There are many slots;
 * while everybody fits nobody is choked. When more want than fit:
 *  - nodes of the fleet come first, but some slots stay for strangers;
 *  - one address takes a few slots; more only while nobody else wants them;
 *  - a slot is kept `TURN_MS`, then it passes to whoever waits for longest.
 * Nobody waits for ever: who waits moves up with every turn that ends before his.
 * A peer that asks for nothing keeps its slot while there is room, and a node of the fleet gets one
 * unasked: its first request then need not wait a round trip for the unchoke.
 */
import type { PeerClass } from '../contract.ts'
import { addressGroup } from './address-group.ts'

/** How long a slot is kept when others wait. Milliseconds. */
export const TURN_MS = 10_000
/** Slots of a torrent when nothing else is said. */
export const DEFAULT_SLOTS = 64
/** Of the slots, one in so many is left to strangers who want it; at least one, if there are two. */
const STRANGERS_ONE_IN = 8
/** Slots of one address while others want them. The fleet's own nodes are not counted. */
const SLOTS_PER_ADDRESS = 4

export interface ChokePeer {
  /** The peer's address without the port. */
  readonly host: string
  readonly peerClass: PeerClass
  /** It told us that it wants something. */
  readonly interested: boolean
  /** We choke it. */
  readonly choked: boolean
  /** Since when it waits, while choked and interested; else since when it is unchoked. Ms. */
  readonly since: number
}

/** What has to change: who gets a slot and who loses it. */
export interface SlotChoice<P extends ChokePeer> {
  readonly unchoke: P[]
  readonly choke: P[]
}

/**
 * Shares `slots` out to the peers of one torrent. Call it when a peer comes, goes or changes its
 * mind, and every few seconds for the turns.
 * @param now milliseconds, the clock of `since`
 */
export function reviewSlots<P extends ChokePeer>(
  peers: readonly P[],
  slots: number,
  now: number
): SlotChoice<P> {
  const chosen = choose(peers, slots, now)
  return {
    unchoke: peers.filter((peer) => peer.choked && chosen.has(peer)),
    choke: peers.filter((peer) => !peer.choked && !chosen.has(peer))
  }
}

function choose<P extends ChokePeer>(peers: readonly P[], slots: number, now: number): Set<P> {
  const wanting = peers.filter((peer) => peer.interested)
  if (wanting.length <= slots) return withIdle(new Set(wanting), peers, slots)

  const turns = wanting.toSorted((a, b) => placeOf(a, now) - placeOf(b, now) || byTime(a, b))
  if (slots < 2) return new Set(turns.slice(0, slots))
  const fleet = turns.filter((peer) => peer.peerClass !== 'stranger')
  const strangers = fewPerAddress(turns.filter((peer) => peer.peerClass === 'stranger'))
  const left = Math.min(strangers.length, Math.max(1, Math.floor(slots / STRANGERS_ONE_IN)))
  const first = fleet.slice(0, slots - left)
  return new Set([...first, ...strangers.slice(0, slots - first.length)])
}

/** Everybody who wants something has a slot: what is left may be kept, and waits for the fleet. */
function withIdle<P extends ChokePeer>(chosen: Set<P>, peers: readonly P[], slots: number): Set<P> {
  const idle = peers.filter((peer) => !peer.interested)
  const fleet = idle.filter((peer) => peer.peerClass !== 'stranger')
  const kept = idle.filter((peer) => peer.peerClass === 'stranger' && !peer.choked)
  for (const peer of [...fleet, ...kept].slice(0, slots - chosen.size)) chosen.add(peer)
  return chosen
}

/** Who is within a turn stays, then those who wait, then those whose turn is over. */
function placeOf(peer: ChokePeer, now: number): number {
  if (peer.choked) return 1
  return now - peer.since < TURN_MS ? 0 : 2
}

/** Between equals: the longest wait first; of turns that are over the one that began last. */
function byTime(a: ChokePeer, b: ChokePeer): number {
  return a.choked ? a.since - b.since : b.since - a.since
}

/** The same peers in the same order, but those beyond an address's share after all others. */
function fewPerAddress<P extends ChokePeer>(peers: readonly P[]): P[] {
  const taken = new Map<string, number>()
  const within: P[] = []
  const beyond: P[] = []
  for (const peer of peers) {
    const address = addressGroup(peer.host)
    const count = taken.get(address) ?? 0
    taken.set(address, count + 1)
    if (count < SLOTS_PER_ADDRESS) within.push(peer)
    else beyond.push(peer)
  }
  return [...within, ...beyond]
}
