/**
 * How the two ends of a connection get to know each other, after the handshake.
 *
 * Everything that can be said is said at once, so that no round trip is spent on it. A node of the
 * fleet proves itself in its extension handshake; two that dialled each other keep one connection.
 */
import type { InfoHash } from '../../../core/info-hash.ts'
import type { PeerClass } from '../contract.ts'
import type { PeerBook } from '../peer-book.ts'
import type { EngineParts } from './engine-parts.ts'
import { encodeExtensionHandshake } from './extension-handshake.ts'
import { ourClaim, provenClaim } from './fleet-identity.ts'
import { listeningOf } from './gossip.ts'
import type { Peer } from './peer.ts'
import type { Sharing } from './sharing.ts'
import { MAX_QUEUED } from './upload-requests.ts'

const VERSION = 'Swarmgate 0.1'
/** Two that dial each other do so within this time. */
const CROSSING_MS = 5000

export interface IntroductionsDeps extends Pick<EngineParts, 'config' | 'port'> {
  readonly infoHash: InfoHash
  /** The open connections by serial. */
  readonly peers: ReadonlyMap<number, Peer>
  readonly book: Pick<PeerBook, 'classOf'>
  /** Undefined while the metainfo is not known. */
  readonly sharing: () => Sharing | undefined
  /** May the peer be told and given anything? */
  readonly mayServe: (peer: Peer) => boolean
  /** A peer has proven to be a node of the fleet. */
  readonly proven: (peer: Peer) => void
  readonly reclassed: (peer: Peer, before: PeerClass) => void
}

export interface Introductions {
  /** The connection is open. */
  greet(peer: Peer): void
  /** Says (again) what we are and have. */
  sayExtensions(peer: Peer): void
  /** The peer's extension handshake came; it may be closed after this. */
  introduced(peer: Peer): void
}

export function createIntroductions(deps: IntroductionsDeps): Introductions {
  const { infoHash, config, peers } = deps

  function greet(peer: Peer): void {
    const sharing = deps.sharing()
    if (peer.their.extended) sayExtensions(peer)
    if (sharing !== undefined) sharing.opened(peer)
    else if (peer.fast && deps.mayServe(peer)) {
      peer.toldPieces = true
      peer.outbox.haveNone()
    }
    peer.flushSoon()
  }

  function sayExtensions(peer: Peer): void {
    const sharing = deps.sharing()
    const metainfo = deps.mayServe(peer) ? sharing?.metainfo : undefined
    const handshake = encodeExtensionHandshake({
      metadataSize: metainfo?.info.byteLength,
      reqq: MAX_QUEUED,
      port: deps.port(),
      version: VERSION,
      uploadOnly: sharing?.complete ?? false,
      yourIp: peer.stream.host,
      pex: metainfo?.private === false,
      node: ourClaim(config.fleet, infoHash, peer)
    })
    peer.outbox.extended(0, handshake)
    peer.flushSoon()
  }

  /** A node that proves itself; without a fleet, whoever listens where a node is known to. */
  function recognise(peer: Peer): void {
    if (peer.node !== undefined) return
    const claim = provenClaim(config.fleet, infoHash, peer)
    if (claim !== undefined) {
      peer.node = claim.id
      classify(peer, claim.role)
      deps.proven(peer)
    } else if (config.fleet === undefined && peer.dialled === undefined) {
      classify(peer, deps.book.classOf(listeningOf(peer) ?? ''))
    }
  }

  function classify(peer: Peer, peerClass: PeerClass): void {
    const before = peer.peerClass
    if (peerClass === before) return
    peer.peerClass = peerClass
    deps.reclassed(peer, before)
  }

  function dropDuplicate(peer: Peer): void {
    for (const other of peers.values()) {
      if (other === peer || !isSame(other, peer)) continue
      const loser = loserOf(other, peer)
      const winner = loser === peer ? other : peer
      winner.alias = loser.dialled ?? loser.alias ?? winner.alias
      loser.close('there is another connection to this peer')
      return
    }
  }

  return {
    greet,
    sayExtensions,
    introduced(peer) {
      recognise(peer)
      if (!peer.closed) dropDuplicate(peer)
    }
  }
}

/**
 * A node of the fleet is known by its name, anybody else by where it listens; but two that dialled
 * us from behind one router may well claim the same port.
 */
function isSame(a: Peer, b: Peer): boolean {
  if (a.node !== undefined || b.node !== undefined) return a.node === b.node
  const crossed = (a.dialled === undefined) !== (b.dialled === undefined)
  if (!crossed && !a.their.peerId.equals(b.their.peerId)) return false
  const address = listeningOf(a)
  return address !== undefined && address === listeningOf(b)
}

/**
 * Both sides choose the same. Of two that crossed, that whose dialler has the smaller peer id stays;
 * but whoever dials again after a while has lost the earlier one.
 */
function loserOf(a: Peer, b: Peer): Peer {
  const [earlier, later] = a.openedAt < b.openedAt ? [a, b] : [b, a]
  if (later.openedAt - earlier.openedAt > CROSSING_MS) return earlier
  return Buffer.compare(diallerId(a), diallerId(b)) < 0 ? b : a
}

function diallerId(peer: Peer): Uint8Array {
  return peer.dialled === undefined ? peer.their.peerId : peer.ourId
}
