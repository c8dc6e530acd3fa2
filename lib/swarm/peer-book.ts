/**
 * Where the peers of one torrent can be dialled, and who they are.
 *
 * webtorrent gives an address up after three tries; here it is dialled again, with growing pauses,
 * for as long as the torrent is hungry. Bounded: at the limit the stranger heard of first goes.
 */
import { formatAddress, isPrivateAddress, parseAddress } from './address.ts'
import type { PeerAddress, PeerClass } from './contract.ts'
import { addressGroup } from './wire/address-group.ts'

const MAX_ADDRESSES = 1000
const MAX_BANNED = 1000
/** How long a liar is kept away. */
const BAN_MS = 10 * 60_000
/** A node of our own that sends wrong bytes is ill, not hostile, and may be all there is. */
const FLEET_BAN_MS = 30_000
const FIRST_PAUSE_MS = 1000
const LAST_PAUSE_MS = 30_000

interface Line {
  class: PeerClass
  attempts: number
  /** Milliseconds; not dialled before. */
  nextDialAt: number
}

export interface PeerBook {
  /** Addresses ever heard of, and of those dialled. */
  readonly found: number
  readonly tried: number
  add(peers: readonly PeerAddress[]): void
  classOf(address: string): PeerClass
  /**
   * Addresses to dial now, fleet nodes first, then those tried least; counts each as an attempt.
   * @param now milliseconds, as everywhere here
   * @param hungry pieces are wanted: addresses that were tried before are tried again
   * @param max at most so many
   */
  due(
    now: number,
    hungry: boolean,
    isConnected: (address: string) => boolean,
    max?: number
  ): string[]
  connected(address: string): void
  /**
   * Keeps the peer away for a while. A stranger's host is banned with it, since ports cost nothing;
   * not a private one, which may be a relay in front of everybody else.
   */
  ban(address: string, now?: number): void
  /** Not dialled for a while: nobody we speak with listens there. */
  avoid(address: string, now?: number): void
  /** An address somebody else may make us dial: not banned, and not into a private network. */
  mayDial(address: string, now?: number): boolean
  isBanned(address: string, now?: number): boolean
}

export function createPeerBook(): PeerBook {
  const lines = new Map<string, Line>()
  /** Addresses and hosts, and until when. */
  const banned = new Map<string, number>()
  let found = 0
  let tried = 0

  function add(peers: readonly PeerAddress[]): void {
    for (const { host, port, class: peerClass } of peers) {
      const address = formatAddress(host, port)
      const known = lines.get(address)
      if (known === undefined) insert(address, peerClass)
      else if (peerClass !== 'stranger') known.class = peerClass
    }
  }

  function insert(address: string, peerClass: PeerClass): void {
    if (lines.size >= MAX_ADDRESSES && !forgetStranger()) return
    found++
    lines.set(address, { class: peerClass, attempts: 0, nextDialAt: 0 })
  }

  function forgetStranger(): boolean {
    for (const [address, line] of lines) {
      if (line.class === 'stranger') return lines.delete(address)
    }
    return false
  }

  function due(
    now: number,
    hungry: boolean,
    isConnected: (address: string) => boolean,
    max = MAX_ADDRESSES
  ): string[] {
    const ready: (readonly [address: string, line: Line])[] = []
    for (const entry of lines) {
      const [address, line] = entry
      if (now < line.nextDialAt || (line.attempts > 0 && !hungry)) continue
      if (!isBanned(address, now) && !isConnected(address)) ready.push(entry)
    }
    const first = ready.sort(([, a], [, b]) => rank(a) - rank(b)).slice(0, max)
    for (const [, line] of first) {
      if (line.attempts === 0) tried++
      line.nextDialAt = now + Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** line.attempts)
      line.attempts++
    }
    return first.map(([address]) => address)
  }

  function ban(address: string, now = Date.now()): void {
    const fleet = (lines.get(address)?.class ?? 'stranger') !== 'stranger'
    const host = fleet ? undefined : publicHost(address)
    keepAway(address, now + (fleet ? FLEET_BAN_MS : BAN_MS))
    if (host !== undefined) keepAway(host, now + BAN_MS)
  }

  function keepAway(who: string, until: number): void {
    banned.delete(who)
    if (banned.size >= MAX_BANNED) banned.delete(banned.keys().next().value ?? '')
    banned.set(who, until)
  }

  function isBanned(address: string, now = Date.now()): boolean {
    if (banned.size === 0) return false
    if (lasts(address, now)) return true
    if ((lines.get(address)?.class ?? 'stranger') !== 'stranger') return false
    const host = publicHost(address)
    return host !== undefined && lasts(host, now)
  }

  function lasts(who: string, now: number): boolean {
    const until = banned.get(who)
    if (until !== undefined && until <= now) banned.delete(who)
    return until !== undefined && until > now
  }

  return {
    get found() {
      return found
    },
    get tried() {
      return tried
    },
    add,
    classOf: (address) => lines.get(address)?.class ?? 'stranger',
    due,
    connected(address) {
      const line = lines.get(address)
      if (line !== undefined) line.attempts = 1
    },
    ban,
    avoid: (address, now = Date.now()) => keepAway(address, now + BAN_MS),
    mayDial: (address, now) =>
      !isBanned(address, now) && !isPrivateAddress(parseAddress(address)?.host ?? ''),
    isBanned
  }
}

/** Fleet nodes before strangers, and of each those that were tried least. */
function rank(line: Line): number {
  return line.attempts + (line.class === 'stranger' ? 1e6 : 0)
}

/** What stands for everybody at the host of an address; undefined for hosts that hide others. */
function publicHost(address: string): string | undefined {
  const host = parseAddress(address)?.host
  return host === undefined || isPrivateAddress(host) ? undefined : addressGroup(host)
}
