/**
 * One WebSocket peer as the protocol shell sees it: an event emitter with `send`.
 *
 * The shell listens for `message` and `close` and keeps notes of its own on the object
 * (`peerId`, `ip`, …); it never touches the real socket. What a link may act for is ours.
 */
import { EventEmitter } from 'node:events'
import type { InfoHash } from '../../core/info-hash.ts'
import type { Address } from './address.ts'

/** Swarms one socket may be in: a node of the fleet has one socket for all its torrents. */
const MAX_SWARMS = 20_000

export class Link extends EventEmitter {
  readonly address: Address
  /** Swarms this link is listed in; the swarm store keeps it. */
  readonly swarms = new Set<InfoHash>()
  /** What the shell reads the peer's address from, once. */
  readonly upgradeReq: {
    readonly headers: Record<string, never>
    readonly connection: { readonly remoteAddress: string; readonly remotePort: number }
  }
  readonly #transmit: (text: string) => void
  #actsFor: string | undefined

  constructor(
    remote: { readonly address: Address; readonly text: string; readonly port: number },
    transmit: (text: string) => void
  ) {
    super()
    this.address = remote.address
    this.#transmit = transmit
    this.upgradeReq = {
      headers: {},
      connection: { remoteAddress: remote.text, remotePort: remote.port }
    }
  }

  /** True for the peer id (40 hex digits) this link used first, for ever, and for no other. */
  mayActFor(peerId: string): boolean {
    this.#actsFor ??= peerId
    return this.#actsFor === peerId
  }

  /** The peer id this link speaks for, once it has named one. */
  get actsFor(): string | undefined {
    return this.#actsFor
  }

  mayJoin(infoHash: InfoHash): boolean {
    return this.swarms.has(infoHash) || this.swarms.size < MAX_SWARMS
  }

  send(text: string): void {
    this.#transmit(text)
  }

  /** The shell's list of swarms would only grow; `swarms` is the one that is kept. */
  get infoHashes(): string[] {
    return []
  }

  set infoHashes(_list: string[] | null) {}
}
