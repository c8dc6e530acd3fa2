/**
 * The info dictionary between peers (BEP 9): learned from several of them, or given to them.
 *
 * Given as often as one connection can need it, and only to whom we serve. While it is learned,
 * a peer that sent other bytes than the infohash stands for is told to `liar`.
 */
import type { InfoHash } from '../../../core/info-hash.ts'
import { createMetadataFetch } from './metadata-fetch.ts'
import {
  encodeMetadataData,
  encodeMetadataReject,
  encodeMetadataRequest,
  maxMetadataRequests,
  metadataPiece,
  parseMetadataMessage
} from './metadata-message.ts'
import type { Peer } from './peer.ts'
import { WireError } from './wire-error.ts'

/** An info dictionary of 800 000 pieces; what is larger is not fetched from strangers. */
const MAX_INFO_BYTES = 16 * 2 ** 20

export interface LearningDeps {
  readonly infoHash: InfoHash
  /** The open connections by serial. */
  readonly peers: ReadonlyMap<number, Peer>
  /** The bytes hash to the infohash; nothing else of them is checked. */
  readonly learned: (info: Uint8Array) => void
  readonly liar: (serial: number) => void
}

export interface Learning {
  /** The peer's extension handshake came. */
  introduced(peer: Peer): void
  /** A `ut_metadata` message. @param info what we serve; undefined when we do not */
  message(peer: Peer, payload: Uint8Array, info: Uint8Array | undefined): void
  closed(peer: Peer): void
  /** Somebody wants to know, be it that it was learned before. */
  wanted(): void
  /** Nothing is asked any more. */
  stop(): void
  /** @param now milliseconds */
  tick(now: number): void
}

export function createLearning(deps: LearningDeps): Learning {
  const { infoHash, peers } = deps
  const fetch = createMetadataFetch({ infoHash, maxBytes: MAX_INFO_BYTES })
  /** Requests answered, by connection. */
  const served = new WeakMap<Peer, number>()
  let over = false
  /** What was learned, until it is known elsewhere. */
  let known: Uint8Array | undefined

  function ask(peer: Peer): void {
    for (;;) {
      const piece = over ? undefined : fetch.next(peer.serial)
      if (piece === undefined) return
      peer.sendExtended('ut_metadata', encodeMetadataRequest(piece))
    }
  }

  function serve(peer: Peer, piece: number, info: Uint8Array | undefined): void {
    const bytes = info && metadataPiece(info, piece)
    const count = (served.get(peer) ?? 0) + 1
    served.set(peer, count)
    if (info === undefined || bytes === undefined) {
      if (count > maxMetadataRequests(MAX_INFO_BYTES)) throw new WireError('too many requests')
      peer.sendExtended('ut_metadata', encodeMetadataReject(piece))
    } else if (count > maxMetadataRequests(info.byteLength)) {
      throw new WireError('the info dictionary asked for again and again')
    } else {
      peer.sendExtended('ut_metadata', encodeMetadataData(piece, info.byteLength, bytes))
    }
  }

  function take(peer: Peer, piece: number, totalSize: number, bytes: Uint8Array): void {
    const outcome = fetch.data(peer.serial, piece, totalSize, bytes)
    if (outcome.status === 'complete') {
      over = true
      known = outcome.info
      deps.learned(outcome.info)
    } else if (outcome.status === 'wrong') {
      for (const serial of outcome.liars) deps.liar(serial)
      for (const other of peers.values()) ask(other)
    } else {
      ask(peer)
    }
  }

  return {
    introduced(peer) {
      const size = peer.extensions?.metadataSize
      if (over || size === undefined || peer.extensions?.m.ut_metadata === 0) return
      fetch.peerReady(peer.serial, size)
      ask(peer)
    },
    message(peer, payload, info) {
      const message = parseMetadataMessage(payload)
      if (message === undefined) return
      if (message.type === 'request') serve(peer, message.piece, info)
      else if (over) return
      else if (message.type === 'data') {
        take(peer, message.piece, message.totalSize, message.bytes)
      } else {
        fetch.rejected(peer.serial, message.piece)
        for (const other of peers.values()) ask(other)
      }
    },
    closed(peer) {
      fetch.gone(peer.serial)
      if (!over) for (const other of peers.values()) ask(other)
    },
    wanted() {
      if (known !== undefined) deps.learned(known)
    },
    stop() {
      over = true
      known = undefined
    },
    tick(now) {
      if (over) return
      fetch.tick(now)
      for (const peer of peers.values()) ask(peer)
    }
  }
}
