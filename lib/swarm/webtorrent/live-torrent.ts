/**
 * One life of a webtorrent torrent: from `client.add` until it is destroyed, by us or by an error.
 *
 * Starts with nothing selected and with the store's bits, which webtorrent would partly hash and
 * which the keeper proves on first use instead. The bits it offers to peers are its own
 * (`torrent.bitfield`); `unhave` and `have` keep them in step with the store.
 */
import type Wire from 'bittorrent-protocol'
import type WebTorrent from 'webtorrent'
import type { Store, Torrent } from 'webtorrent'
import type { Metainfo } from '../../../core/metainfo.ts'
import { parsedTorrent } from './parsed-torrent.ts'
import { dropWire } from './wire-guard.ts'

const HASH_FAILED = /^Piece (\d+) failed verification$/

export interface LiveTorrentDeps {
  readonly client: WebTorrent
  readonly store: Store
  readonly haveBitfield: () => Uint8Array
  readonly maxPeers: number
  /** May another connection of this torrent be made to or taken from this address? */
  readonly admits: (address: string) => boolean
  /** May an address that a peer named be dialled? */
  readonly admitsGossip: (address: string) => boolean
}

export interface LiveTorrentEvents {
  /** Peers may be dialled from now on. */
  onOpen(): void
  onReady(): void
  onWire(wire: Wire, address: string): void
  onHashFailed(index: number): void
  /** webtorrent destroyed the torrent on its own. */
  onError(err: Error): void
}

export interface LiveTorrent {
  readonly torrent: Torrent
  /** Peers may be handed over and wires may come. */
  readonly open: boolean
  /** Pieces may be selected. */
  readonly ready: boolean
  isConnected(address: string): boolean
  dial(address: string): void
  /** The piece is here though webtorrent did not fetch it. */
  have(index: number): void
  /** The piece is not here any more: peers are told, requests for it are refused. */
  unhave(index: number): void
  /** Resolves when webtorrent has let go. */
  destroy(): Promise<void>
}

/** Adds a torrent to the client. Never throws: errors go to `onError`. */
export function addTorrent(
  metainfo: Metainfo,
  deps: LiveTorrentDeps,
  events: LiveTorrentEvents
): LiveTorrent {
  const torrent = deps.client.add(parsedTorrent(metainfo), {
    deselect: true,
    storeCacheSlots: 0,
    uploads: deps.maxPeers + 1,
    alwaysChokeSeeders: false,
    preloadedStore: deps.store,
    bitfield: deps.haveBitfield()
  })
  let open = false

  torrent.once('infoHash', () => {
    open = true
    events.onOpen()
  })
  torrent.once('metadata', () => {
    torrent.store = deps.store
    // Not bytes, so that the package's own ut_metadata serves nothing; ours does.
    torrent.metadata = true
  })
  torrent.once('ready', events.onReady)
  torrent.on('wire', events.onWire)
  torrent.on('error', events.onError)
  torrent.on('warning', (err: Error) => {
    const index = HASH_FAILED.exec(err.message)?.[1]
    if (index !== undefined) events.onHashFailed(Number(index))
  })
  trustBitfield(torrent)
  guardPeers(torrent, deps)

  return {
    torrent,
    get open() {
      return open && !torrent.destroyed
    },
    get ready() {
      return torrent.ready && !torrent.destroyed
    },
    isConnected: (address) => torrent._peers?.has(address) ?? false,
    dial(address) {
      if (!open || torrent.destroyed) return
      torrent.addPeer(address)
      settlePeer(torrent, address)
    },
    have(index) {
      torrent._markVerified(index)
      for (const wire of torrent.wires) wire.have(index)
    },
    unhave(index) {
      const had = torrent.bitfield.get(index)
      torrent._markUnverified(index)
      if (had) for (const wire of torrent.wires) tellGone(wire, index)
    },
    destroy: () => new Promise((resolve) => destroy(torrent, resolve))
  }
}

/** The bits of the store are claims: the keeper hashes each piece before its first use. */
function trustBitfield(torrent: Torrent): void {
  torrent._verifyPieces = (callback) => callback(null)
}

function guardPeers(torrent: Torrent, deps: LiveTorrentDeps): void {
  const validAddr = torrent._validAddr.bind(torrent)
  const addIncomingPeer = torrent._addIncomingPeer.bind(torrent)
  const addPeer = torrent.addPeer.bind(torrent)

  torrent._validAddr = (address) => deps.admits(address) && validAddr(address)
  torrent.addPeer = (address, source) =>
    (source !== 'ut_pex' || deps.admitsGossip(address)) && addPeer(address, source)
  // A connection that closed while its torrent was looked up would stay among the peers for ever.
  torrent._addIncomingPeer = (peer) => {
    if (peer.destroyed) return
    if (torrent.wires.length >= deps.maxPeers || !deps.admits(peer.addr)) peer.destroy()
    else addIncomingPeer(peer)
  }
}

/**
 * Sets a connection up: no delay for small packets, and no retries by webtorrent, which would come
 * on top of the peer book's.
 */
export function settlePeer(torrent: Torrent, address: string): void {
  const peer = torrent._peers?.get(address)
  if (peer === undefined) return
  peer.retries = Number.MAX_SAFE_INTEGER
  peer.conn?.setNoDelay(true)
}

/** BEP 54; a peer that waits for the piece and cannot be rejected is disconnected. */
function tellGone(wire: Wire, index: number): void {
  wire.lt_donthave.donthave(index)
  const waits = wire.peerRequests.some((request) => request.piece === index)
  if (waits && !wire.hasFast) dropWire(wire)
}

function destroy(torrent: Torrent, done: () => void): void {
  if (torrent.destroyed) done()
  else torrent.destroy(null, () => done())
}
