/**
 * What a swarm engine is told and what it tells: messages only, structured-clonable.
 *
 * An engine always runs in a worker thread. It fills holes in the piece store and serves what the
 * store holds; readers only say what they want next. It never decides what is wanted, never
 * discovers peers, never touches HTTP. Every implementation passes `test/lib/swarm/engine-suite.ts`.
 */
import type { InfoHash } from '../../core/info-hash.ts'
import type { SharedPieces } from '../store/shared-pieces.ts'

/** Who a byte came from: our own nodes by role, anybody else is a stranger. */
export type PeerClass = 'seeder' | 'gateway' | 'stranger'

export interface PeerAddress {
  /** An IP address literal or a host name. */
  readonly host: string
  readonly port: number
  readonly class: PeerClass
}

/** Half-open: pieces that are wanted in the order of their indices. */
export interface WantedWindow {
  readonly first: number
  readonly end: number
  /** Nobody waits for it: after all that somebody waits for. Absent: somebody reads here. */
  readonly later?: true
}

/** What is wanted of one torrent. Those who read get their pieces in turn, whoever came first. */
export interface Want {
  /** Every piece, rarest first: a seeder filling an assignment. */
  readonly all: boolean
  /** Those that are `later` at the end. */
  readonly windows: readonly WantedWindow[]
}

export interface EngineTorrent {
  readonly infoHash: InfoHash
  /** The info dictionary exactly as hashed, validated by `core/metainfo`. */
  readonly info: Uint8Array
  readonly pieces: SharedPieces
  readonly want: Want
  readonly peers: readonly PeerAddress[]
}

/** Counters since the torrent was joined, and peers of this moment. */
export interface TorrentStats {
  /** Addresses heard of, dialled, connected (handshake done) since the torrent was joined. */
  readonly found: number
  readonly tried: number
  readonly connected: number
  /** Connected now; of those, with every piece. */
  readonly peers: number
  readonly seeds: number
  /** Payload bytes by class of peer. */
  readonly downloaded: Readonly<Record<PeerClass, number>>
  readonly uploaded: Readonly<Record<PeerClass, number>>
}

/** How this node proves itself to others of its fleet. */
export interface FleetIdentity {
  /** The cluster secret. */
  readonly secret: string
  readonly nodeId: string
  readonly role: 'seeder' | 'gateway'
  /** `host:port` where other nodes dial this engine; undefined: where it listens. */
  readonly wire: string | undefined
}

/** A rate that all engines of a node keep together. */
export interface SharedRate {
  readonly memory: SharedArrayBuffer
  readonly bytesPerSecond: number
}

export interface EngineConfig {
  /** Address and port of the BitTorrent wire; port 0 takes a free one. */
  readonly host: string
  readonly port: number
  /** Peers at once, per torrent and in total. */
  readonly maxPeersPerTorrent: number
  readonly maxPeers: number
  /** Strangers at once from one address. */
  readonly maxPeersPerAddress: number
  /** Undefined: a node on its own, nothing is proven. */
  readonly fleet?: FleetIdentity | undefined
  /** `fleet`: a peer that has not proven itself is told and given nothing. */
  readonly access: 'open' | 'fleet'
  readonly upload?: SharedRate | undefined
  /** Bytes per second of one torrent. */
  readonly torrentUploadRate?: number | undefined
  readonly download?: SharedRate | undefined
  /** Connections of our own WebRTC process prove themselves with this; undefined: there are none. */
  readonly relayToken?: Uint8Array | undefined
  /** Where they are taken, on the loopback; undefined takes a free port. */
  readonly relayPort?: number | undefined
}

export type EngineCommand =
  /** Joining an already joined torrent is ignored. */
  | { readonly type: 'join'; readonly torrent: EngineTorrent }
  /** Answered by `left` when no file of the torrent is in use any more, joined or not. */
  | { readonly type: 'leave'; readonly infoHash: InfoHash }
  | { readonly type: 'want'; readonly infoHash: InfoHash; readonly want: Want }
  | { readonly type: 'peers'; readonly infoHash: InfoHash; readonly peers: readonly PeerAddress[] }
  /** Learn the info dictionary from peers (BEP 9): `metadata` answers. Ended by `leave`. */
  | {
      readonly type: 'discover'
      readonly infoHash: InfoHash
      readonly peers: readonly PeerAddress[]
    }
  /** The torrent will be joined within seconds: connections may be made meanwhile. */
  | {
      readonly type: 'approach'
      readonly infoHash: InfoHash
      readonly peers: readonly PeerAddress[]
    }
  /** Forget these pieces and tell peers (BEP 54); `evicted` answers once none is in use. */
  | {
      readonly type: 'evict'
      readonly infoHash: InfoHash
      readonly first: number
      readonly end: number
    }
  | { readonly type: 'close' }

export type EngineEvent =
  /** `relayPort`: where connections of our WebRTC process are taken, on the loopback. */
  | { readonly type: 'ready'; readonly port: number; readonly relayPort?: number | undefined }
  /** A peer asks for a torrent that is not joined. Join it within 5 s and the peer is served. */
  | { readonly type: 'knock'; readonly infoHash: InfoHash }
  /** Bytes whose SHA-1 is the infohash; not yet validated as metainfo. */
  | { readonly type: 'metadata'; readonly infoHash: InfoHash; readonly info: Uint8Array }
  /** The piece matched its hash and is written; its bits are set. */
  | {
      readonly type: 'verified'
      readonly infoHash: InfoHash
      readonly index: number
      readonly from: PeerClass
    }
  /** A peer sent wrong bytes (`wire`), or bytes on disk were wrong and lost their bits (`disk`). */
  | {
      readonly type: 'failed'
      readonly infoHash: InfoHash
      readonly index: number
      readonly where: 'wire' | 'disk'
    }
  | {
      readonly type: 'evicted'
      readonly infoHash: InfoHash
      readonly first: number
      readonly end: number
    }
  | { readonly type: 'left'; readonly infoHash: InfoHash }
  /** When something changed, at most once a second per torrent, and at once on the first peer. */
  | { readonly type: 'stats'; readonly infoHash: InfoHash; readonly stats: TorrentStats }
  /** Worth a log line; never a reason to act. */
  | { readonly type: 'trouble'; readonly infoHash: InfoHash | null; readonly message: string }
