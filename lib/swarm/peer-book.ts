/**
 * Where the peers of one torrent can be dialled, and who they are.
 *
 * webtorrent gives an address up after three tries; here it is dialled again, with growing pauses,
 * for as long as the torrent is hungry. Bounded: at the limit the stranger heard of first goes.
 */
import { formatAddress, isPrivateAddress } from './address.ts'
import type { PeerAddress, PeerClass } from './contract.ts'

const MAX_ADDRESSES = 1000
const MAX_BANNED = 1000
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
   * Addresses to dial now, fleet nodes first; counts each as an attempt.
   * @param hungry pieces are wanted: addresses that were tried before are tried again
   */
  due(now: number, hungry: boolean, isConnected: (address: string) => boolean): string[]
  connected(address: string): void
  ban(address: string): void
  /** An address somebody else may make us dial: not banned, and not into a private network. */
  mayDial(address: string): boolean
  isBanned(address: string): boolean
}

export function createPeerBook(): PeerBook {
  const lines = new Map<string, Line>()
  const banned = new Set<string>()
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
    if (lines.size >= MAX_ADDRESSES) {
      const oldest = [...lines].find(([, line]) => line.class === 'stranger')?.[0]
      if (oldest === undefined) return
      lines.delete(oldest)
    }
    found++
    lines.set(address, { class: peerClass, attempts: 0, nextDialAt: 0 })
  }

  function due(now: number, hungry: boolean, isConnected: (address: string) => boolean): string[] {
    const ready: string[] = []
    for (const [address, line] of lines) {
      if (now < line.nextDialAt || (line.attempts > 0 && !hungry)) continue
      if (banned.has(address) || isConnected(address)) continue
      if (line.attempts === 0) tried++
      line.nextDialAt = now + Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** line.attempts)
      line.attempts++
      if (line.class === 'stranger') ready.push(address)
      else ready.unshift(address)
    }
    return ready
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
    ban(address) {
      if (banned.size >= MAX_BANNED) banned.delete(banned.values().next().value ?? '')
      banned.add(address)
    },
    mayDial: (address) =>
      !banned.has(address) && !isPrivateAddress(address.replace(/:\d+$/, '').replace(/[[\]]/g, '')),
    isBanned: (address) => banned.has(address)
  }
}
