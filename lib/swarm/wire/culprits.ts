/**
 * Connections that turned out to have sent lies: closed, and who was behind them banned.
 *
 * Wrong bytes are often found when their sender is gone: who gave anything is remembered for that.
 */
import type { PeerBook } from '../peer-book.ts'
import { listeningOf } from './gossip.ts'
import type { Peer } from './peer.ts'

/** Connections that are remembered; the one that ended first is forgotten. */
const MAX_REMEMBERED = 500

export interface Culprits {
  /** The connection has ended. */
  left(peer: Peer): void
  /** This connection, open or not, sent lies. @param reason in a few words */
  punish(serial: number, reason: string): void
}

export interface CulpritsDeps {
  /** The open connections by serial. */
  readonly peers: ReadonlyMap<number, Peer>
  readonly book: Pick<PeerBook, 'ban'>
}

export function createCulprits({ peers, book }: CulpritsDeps): Culprits {
  /** Addresses to ban, by serial. */
  const gone = new Map<number, string>()

  return {
    left(peer) {
      if (peer.extensions === undefined && peer.downloadedBytes === 0) return
      const oldest = gone.keys().next().value
      if (gone.size >= MAX_REMEMBERED && oldest !== undefined) gone.delete(oldest)
      gone.set(peer.serial, addressOf(peer))
    },
    punish(serial, reason) {
      const peer = peers.get(serial)
      const address = peer === undefined ? gone.get(serial) : addressOf(peer)
      if (address !== undefined) book.ban(address)
      peer?.close(reason)
    }
  }
}

/** A node of the fleet is known by where it listens, anybody else by the connection. */
function addressOf(peer: Peer): string {
  const listening = peer.peerClass === 'stranger' ? undefined : listeningOf(peer)
  return peer.dialled ?? listening ?? peer.address
}
