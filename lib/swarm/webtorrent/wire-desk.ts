/**
 * Takes in the connections of one torrent: who is it, what may it ask, who counts its bytes.
 *
 * A peer's class is that of the address we dialled. An incoming connection has an address of no
 * meaning, but if the same client was also dialled, its peer id tells the class.
 */
import type Wire from 'bittorrent-protocol'
import type { Metainfo } from '../../../core/metainfo.ts'
import type { PeerClass } from '../contract.ts'
import type { PeerBook } from '../peer-book.ts'
import { metadataExtension } from './metadata-extension.ts'
import type { PeerConduct } from './peer-conduct.ts'
import type { Traffic } from './traffic.ts'
import {
  createUploadQueue,
  MAX_QUEUED,
  type UploadQueue,
  type UploadSource
} from './upload-queue.ts'
import { dropWire, guardWires } from './wire-guard.ts'

const MAX_UNSENT_BYTES = 4 * 2 ** 20
const MAX_KNOWN_IDS = 1000

export interface WireDeskDeps {
  readonly ourPeerId: string
  readonly metainfo: Metainfo
  readonly source: UploadSource
  readonly book: PeerBook
  readonly traffic: Traffic
}

export interface WireDesk {
  /** A handshake is done. False when the peer is turned away: it is us, or banned. */
  admit(wire: Wire, address: string, conduct: PeerConduct): boolean
  /** Drops peers that stopped reading. @param now milliseconds */
  tick(now: number, wires: readonly Wire[]): void
}

export function createWireDesk(deps: WireDeskDeps): WireDesk {
  const { metainfo, book } = deps
  const { pieceCount } = metainfo.geometry
  const guard = guardWires()
  const metadata = metadataExtension(metainfo.info, () => {})
  const queues = new Map<Wire, UploadQueue>()
  const classes = new Map<string, PeerClass>()

  function admit(wire: Wire, address: string, conduct: PeerConduct): boolean {
    const peerId = wire.peerId ?? ''
    if (peerId === deps.ourPeerId) book.avoid(address)
    if (book.isBanned(address) || book.isBanned(peerId)) {
      dropWire(wire)
      return false
    }
    book.connected(address)
    learnClass(wire, address, peerId)
    serve(wire)
    const classOf = () => classes.get(peerId) ?? 'stranger'
    deps.traffic.watch(wire, classOf)
    conduct.watch(wire, {
      classOf,
      ban() {
        book.ban(address)
        book.ban(peerId)
      }
    })
    return true
  }

  function learnClass(wire: Wire, address: string, peerId: string): void {
    const dialled = wire.type === 'tcpOutgoing' ? book.classOf(address) : 'stranger'
    if (dialled === 'stranger') return
    if (classes.size >= MAX_KNOWN_IDS) classes.delete(classes.keys().next().value ?? '')
    classes.set(peerId, dialled)
  }

  function serve(wire: Wire): void {
    const uploads = createUploadQueue(wire, deps.source)
    queues.set(wire, uploads)
    guard.limit(wire, {
      pieceCount,
      uploads,
      maxUnsent: MAX_UNSENT_BYTES + metainfo.info.byteLength
    })
    wire._read = (callback) => {
      uploads.pump()
      callback(null)
    }
    wire.extendedHandshake.reqq = MAX_QUEUED
    wire.use(metadata)
    // A have-all that came before the limits were known has no bits that could be cleared.
    if (wire.peerPieces.buffer.length === 0 && wire.peerPieces.get(0)) wire._onHaveAll()
  }

  function tick(now: number, wires: readonly Wire[]): void {
    for (const [wire, uploads] of queues) {
      if (wires.includes(wire)) uploads.sweep(now)
      else queues.delete(wire)
    }
  }

  return { admit, tick }
}
