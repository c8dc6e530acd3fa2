/** What the owner of a connection, a torrent, hears of it. */
import type { OUR_EXTENSIONS } from './extension-handshake.ts'
import type { Peer } from './peer.ts'

export interface PeerOwner {
  /** The peer's extension handshake came. */
  introduced(peer: Peer): void
  /** It has a piece more; undefined: it told all it has. */
  gained(peer: Peer, index: number | undefined): void
  lost(peer: Peer, index: number): void
  /** It choked or unchoked us. */
  turned(peer: Peer): void
  /** Its interest in us changed. */
  interested(peer: Peer): void
  requested(peer: Peer, index: number, begin: number, length: number): void
  blockStart(peer: Peer, index: number, begin: number, length: number): Uint8Array | undefined
  blockEnd(peer: Peer, index: number, begin: number): void
  rejected(peer: Peer, index: number, begin: number): void
  /** A message of one of our extensions, by the name of BEP 10. */
  extended(peer: Peer, name: ExtensionName, payload: Uint8Array): void
  closed(peer: Peer, reason: string): void
}

export type ExtensionName = Exclude<keyof typeof OUR_EXTENSIONS, 'lt_donthave'>

/** Owns a connection that is closed: whatever still arrives has no effect. */
export const NOBODY: PeerOwner = {
  introduced() {},
  gained() {},
  lost() {},
  turned() {},
  interested() {},
  requested() {},
  blockStart: () => undefined,
  blockEnd() {},
  rejected() {},
  extended() {},
  closed() {}
}
