/**
 * The browsers of this process: from an offer, through ICE, to a bridge to the engine.
 *
 *     offered ─► gathering ─► answered ─► connected
 *         └──────── deadline ────────┘       │
 *                     └────────► ended ◄─────┘
 *
 * Bounded everywhere: those not connected yet per torrent and in all, with one deadline from offer
 * to open channel; those connected; what waits for engines. At a bound an offer gets no answer, as
 * if we had not heard it, and the browser tries again with its next announce.
 */
import type { DataChannel, PeerConnection, RtcConfig } from 'node-datachannel'
import { type InfoHash, shardOf } from '../../../core/info-hash.ts'
import { answerText } from './answer.ts'
import { type Bridge, bridgeChannel } from './bridge.ts'
import { offerText, parseOffer } from './offer.ts'
import { encodePreamble } from './preamble.ts'
import type { OfferSignal } from './signal.ts'

export interface PeerLimits {
  readonly maxPending: number
  readonly maxPendingPerTorrent: number
  readonly maxConnected: number
  /** From the offer to an open channel. */
  readonly connectMs: number
  /** How long STUN and TURN servers may take before we answer with what we have. */
  readonly gatherMs: number
  /** All that may wait for engines. */
  readonly maxWaitingBytes: number
}

export const PEER_LIMITS: PeerLimits = {
  maxPending: 64,
  maxPendingPerTorrent: 16,
  maxConnected: 250,
  connectMs: 15_000,
  gatherMs: 2000,
  maxWaitingBytes: 64 * 1024 * 1024
}

/** Longest message we take: what browsers send at most. */
const MAX_MESSAGE_BYTES = 256 * 1024

export interface PeersConfig {
  readonly iceServers: readonly string[]
  /** Undefined: every interface. */
  readonly bindAddress: string | undefined
  /** Addresses strangers may be told; empty: see `answerText`. */
  readonly named: readonly string[]
  readonly wirePorts: readonly number[]
  readonly token: Uint8Array
  readonly limits?: Partial<PeerLimits>
}

export interface PeersDeps {
  /** A connection of the library; tests pass one of their own. May throw. */
  readonly open: (config: RtcConfig) => PeerConnection
  readonly trouble: (message: string) => void
}

export interface Peers {
  readonly pending: number
  readonly connected: number
  /**
   * Answers the offer through `reply`, or ignores it.
   * @param near whoever offers is in our own network
   */
  offered(offer: OfferSignal, near: boolean, reply: (sdp: string) => void): void
  /** Ends every connection. */
  close(): void
}

interface Peer {
  readonly infoHash: InfoHash
  readonly connection: PeerConnection
  readonly near: boolean
  readonly reply: (sdp: string) => void
  readonly timers: NodeJS.Timeout[]
  channel: DataChannel | undefined
  bridge: Bridge | undefined
  answered: boolean
}

export function createPeers(config: PeersConfig, { open, trouble }: PeersDeps): Peers {
  const limits = { ...PEER_LIMITS, ...config.limits }
  const peers = new Set<Peer>()
  let connected = 0

  function offered(signal: OfferSignal, near: boolean, reply: (sdp: string) => void): void {
    if (!hasRoom(signal.infoHash)) return
    const offer = parseOffer(signal.sdp, near)
    if (offer === undefined) return
    let connection: PeerConnection
    try {
      connection = open(rtcConfig(config))
    } catch (err) {
      trouble(`no connection can be made: ${String(err)}`)
      return
    }
    const peer: Peer = {
      infoHash: signal.infoHash,
      connection,
      near,
      reply,
      timers: [],
      channel: undefined,
      bridge: undefined,
      answered: false
    }
    peers.add(peer)
    peer.timers.push(setTimeout(() => end(peer), limits.connectMs))
    peer.timers.push(setTimeout(() => answer(peer), limits.gatherMs))
    guarded(peer, () => negotiate(peer, offerText(offer)))
  }

  function hasRoom(infoHash: InfoHash): boolean {
    const pending = peers.size - connected
    if (pending >= limits.maxPending || peers.size >= limits.maxConnected) return false
    let ofTorrent = 0
    for (const peer of peers) {
      if (peer.bridge === undefined && peer.infoHash === infoHash) ofTorrent += 1
    }
    return ofTorrent < limits.maxPendingPerTorrent
  }

  function negotiate(peer: Peer, offer: string): void {
    const { connection } = peer
    connection.onGatheringStateChange((state) => {
      if (state === 'complete') answer(peer)
    })
    connection.onStateChange((state) => {
      if (state === 'failed' || state === 'closed') end(peer)
    })
    connection.onDataChannel((channel) => guarded(peer, () => adopt(peer, channel)))
    connection.setRemoteDescription(offer, 'offer')
  }

  function answer(peer: Peer): void {
    if (peer.answered || !peers.has(peer)) return
    guarded(peer, () => {
      const description = peer.connection.localDescription()
      if (description?.type !== 'answer') return
      peer.answered = true
      peer.reply(answerText(description.sdp, { named: config.named, near: peer.near }))
    })
  }

  /** The first channel is the wire; a peer that opens another one is no BitTorrent peer. */
  function adopt(peer: Peer, channel: DataChannel): void {
    if (!peers.has(peer)) return
    if (peer.channel !== undefined) {
      end(peer)
      return
    }
    peer.channel = channel
    channel.onClosed(() => end(peer))
    channel.onError(() => end(peer))
    if (channel.isOpen()) join(peer, channel)
    else channel.onOpen(() => guarded(peer, () => join(peer, channel)))
  }

  function join(peer: Peer, channel: DataChannel): void {
    if (peer.bridge !== undefined || !peers.has(peer)) return
    const remote = peer.connection.getSelectedCandidatePair()?.remote
    for (const timer of peer.timers) clearTimeout(timer)
    peer.bridge = bridgeChannel(channel, {
      port: config.wirePorts[shardOf(peer.infoHash, config.wirePorts.length)] ?? 0,
      preamble: encodePreamble(config.token, {
        host: remote?.address ?? '',
        port: remote?.port ?? 0
      }),
      isCrowded,
      onEnd: () => end(peer)
    })
    connected += 1
  }

  function isCrowded(): boolean {
    let waiting = 0
    for (const { bridge } of peers) waiting += bridge?.waitingBytes ?? 0
    return waiting > limits.maxWaitingBytes
  }

  /** The library throws when its own thread closed something first. */
  function guarded(peer: Peer, work: () => void): void {
    try {
      work()
    } catch {
      end(peer)
    }
  }

  function end(peer: Peer): void {
    if (!peers.delete(peer)) return
    for (const timer of peer.timers) clearTimeout(timer)
    if (peer.bridge !== undefined) connected -= 1
    peer.bridge?.close()
    try {
      peer.connection.close()
    } catch (err) {
      trouble(`a connection does not close: ${String(err)}`)
    }
  }

  return {
    get pending() {
      return peers.size - connected
    },
    get connected() {
      return connected
    },
    offered,
    close() {
      for (const peer of [...peers]) end(peer)
    }
  }
}

/**
 * `mtu` stays the library's own 1280. Its sockets forbid fragments and it probes no path: where a
 * tunnel takes less than we said, the same packet would be sent again and again, for ever.
 */
function rtcConfig(config: PeersConfig): RtcConfig {
  return {
    iceServers: [...config.iceServers],
    maxMessageSize: MAX_MESSAGE_BYTES,
    ...(config.bindAddress === undefined ? {} : { bindAddress: config.bindAddress })
  }
}
