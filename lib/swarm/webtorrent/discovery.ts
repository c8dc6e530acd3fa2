/**
 * Learns one info dictionary from peers (BEP 9), for a torrent that is not joined.
 *
 * webtorrent makes the connections, with the bare infohash and without a store; our own extension
 * asks. A peer whose bytes do not hash to the infohash is dropped and banned.
 */
import type Wire from 'bittorrent-protocol'
import type WebTorrent from 'webtorrent'
import type { Torrent } from 'webtorrent'
import { type InfoHash, infoHashOf } from '../../../core/info-hash.ts'
import type { PeerAddress } from '../contract.ts'
import { createPeerBook } from '../peer-book.ts'
import { metadataExtension } from './metadata-extension.ts'
import { dropWire, guardWires } from './wire-guard.ts'

const MAX_UNSENT_BYTES = 2 ** 20

export interface DiscoveryDeps {
  readonly client: WebTorrent
  readonly maxPeers: number
  readonly mayConnect: () => boolean
  readonly onInfo: (info: Uint8Array) => void
  readonly onTrouble: (message: string) => void
}

export interface Discovery {
  found(): Promise<Torrent | undefined>
  introduce(peers: readonly PeerAddress[]): void
  /** @param now milliseconds */
  tick(now: number): void
  close(): Promise<void>
}

export function discover(
  infoHash: InfoHash,
  peers: readonly PeerAddress[],
  deps: DiscoveryDeps
): Discovery {
  const book = createPeerBook()
  const extension = metadataExtension(undefined, onInfo)
  const addressOf = new WeakMap<Wire, string>()
  const torrent = deps.client.add(infoHash, {
    deselect: true,
    storeCacheSlots: 0,
    uploads: deps.maxPeers,
    alwaysChokeSeeders: false
  })
  let done = false
  const opened = new Promise<void>((resolve) => {
    torrent.once('infoHash', resolve)
    torrent.once('close', resolve)
  })
  const validAddr = torrent._validAddr.bind(torrent)

  torrent._validAddr = (address) =>
    deps.mayConnect() && !book.isBanned(address) && validAddr(address)
  torrent.on('wire', onWire)
  torrent.on('error', (err: Error) => deps.onTrouble(`discovery: ${err.message}`))
  book.add(peers)
  void opened.then(() => dial(Date.now()))

  function onWire(wire: Wire, address: string): void {
    guardWires().limit(wire, {
      pieceCount: undefined,
      uploads: undefined,
      maxUnsent: MAX_UNSENT_BYTES
    })
    addressOf.set(wire, address)
    wire.use(extension)
  }

  function onInfo(bytes: Uint8Array, wire: Wire): void {
    if (done) return
    if (infoHashOf(bytes) === infoHash) {
      done = true
      deps.onInfo(bytes)
    } else {
      book.ban(addressOf.get(wire) ?? '')
      dropWire(wire)
    }
  }

  function dial(now: number): void {
    if (torrent.destroyed) return
    const isConnected = (address: string) => torrent._peers?.has(address) ?? false
    for (const address of book.due(now, true, isConnected)) torrent.addPeer(address)
  }

  return {
    async found() {
      await opened
      return torrent.destroyed ? undefined : torrent
    },
    introduce(more) {
      book.add(more)
      void opened.then(() => dial(Date.now()))
    },
    tick: (now) => void opened.then(() => dial(now)),
    close: () =>
      new Promise((resolve) => {
        if (torrent.destroyed) resolve()
        else torrent.destroy(null, () => resolve())
      })
  }
}
