/**
 * A torrent the engine takes part in, from `join` until it is left.
 *
 * If webtorrent gives the torrent up, it is added again with growing pauses. Wants, peers and bits
 * are kept on this side, so nothing is lost but connections.
 */
import type Wire from 'bittorrent-protocol'
import type WebTorrent from 'webtorrent'
import type { Torrent } from 'webtorrent'
import { parseInfo } from '../../../core/metainfo.ts'
import type { Descriptors } from '../../store/descriptors.ts'
import type { EngineEvent, EngineTorrent, PeerAddress, Want } from '../contract.ts'
import { createPeerBook } from '../peer-book.ts'
import { createStatsFeed } from '../stats-feed.ts'
import { addTorrent, type LiveTorrent, settlePeer } from './live-torrent.ts'
import { createPeerConduct, type PeerConduct } from './peer-conduct.ts'
import { createPieceFlow } from './piece-flow.ts'
import { createTraffic } from './traffic.ts'
import { createWireDesk } from './wire-desk.ts'

const FIRST_RETRY_MS = 1000
const LAST_RETRY_MS = 60_000
const TROUBLE_MS = 5000

export interface JoinedTorrentDeps {
  readonly client: WebTorrent
  readonly descriptors: Descriptors
  readonly maxPeers: number
  /** False when the engine as a whole has no connection left to give. */
  readonly mayConnect: () => boolean
  readonly post: (event: EngineEvent) => void
}

export interface JoinedTorrent {
  /** webtorrent's torrent once peers may be handed to it; undefined when there is none now. */
  found(): Promise<Torrent | undefined>
  readonly peers: number
  want(want: Want): void
  introduce(peers: readonly PeerAddress[]): void
  evict(first: number, end: number): Promise<void>
  /** Called twice a second. @param now milliseconds */
  tick(now: number): void
  /** Resolves when no file is in use any more. */
  close(): Promise<void>
}

interface Life {
  readonly live: LiveTorrent
  readonly conduct: PeerConduct
}

/** @throws AppError METAINFO_INVALID when `spec.info` is not metainfo. */
export function joinTorrent(spec: EngineTorrent, deps: JoinedTorrentDeps): JoinedTorrent {
  const { infoHash } = spec
  const { client, post } = deps
  const metainfo = parseInfo(spec.info)
  const { pieceCount } = metainfo.geometry
  const book = createPeerBook()
  const traffic = createTraffic()
  let life: Life | undefined
  let failures = 0
  let restartAt = 0
  let troubledAt = 0
  let waiting: (() => void)[] = []
  let closing: Promise<void> | undefined

  const flow = createPieceFlow(
    {
      infoHash,
      metainfo,
      shared: spec.pieces,
      descriptors: deps.descriptors,
      target: () => life,
      post,
      onTrouble
    },
    spec.want
  )
  const desk = createWireDesk({
    ourPeerId: client.peerId,
    metainfo,
    source: flow.source,
    book,
    traffic
  })
  const wires = (): readonly Wire[] => life?.live.torrent.wires ?? []
  const feed = createStatsFeed(
    () => traffic.snapshot(wires(), pieceCount, book),
    (stats) => post({ type: 'stats', infoHash, stats })
  )

  book.add(spec.peers)
  start()

  function start(): void {
    const live: LiveTorrent = addTorrent(
      metainfo,
      {
        client,
        store: flow.openStore(),
        haveBitfield: flow.haveBitfield,
        maxPeers: deps.maxPeers,
        admits: (address) => !book.isBanned(address) && deps.mayConnect(),
        admitsGossip: book.mayDial
      },
      {
        onOpen() {
          wakeWaiting()
          dial(Date.now())
        },
        onReady: flow.ready,
        onWire: (wire, address) => onWire(wire, address, conduct),
        onHashFailed: flow.hashFailed,
        onError
      }
    )
    const conduct = createPeerConduct(live.torrent)
    life = { live, conduct }
  }

  function onWire(wire: Wire, address: string, conduct: PeerConduct): void {
    if (!desk.admit(wire, address, conduct)) return
    if (life !== undefined) settlePeer(life.live.torrent, address)
    if (traffic.connected === 1) feed.flush()
  }

  function onError(err: Error): void {
    onTrouble(`the torrent was given up: ${err.message}`)
    life = undefined
    wakeWaiting()
    restartAt = Date.now() + Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures++)
  }

  function onTrouble(message: string): void {
    const now = Date.now()
    if (now - troubledAt < TROUBLE_MS) return
    troubledAt = now
    post({ type: 'trouble', infoHash, message })
  }

  function wakeWaiting(): void {
    const woken = waiting
    waiting = []
    for (const wake of woken) wake()
  }

  function dial(now: number): void {
    if (life === undefined || !life.live.open || !deps.mayConnect()) return
    const { live } = life
    const hungry = live.ready ? live.torrent._selections.length > 0 : true
    for (const address of book.due(now, hungry, live.isConnected)) live.dial(address)
  }

  async function found(): Promise<Torrent | undefined> {
    if (life !== undefined && !life.live.open) {
      await new Promise<void>((resolve) => waiting.push(resolve))
    }
    return life?.live.open ? life.live.torrent : undefined
  }

  function tick(now: number): void {
    if (closing !== undefined) return
    if (life === undefined) {
      if (now >= restartAt) start()
      return
    }
    flow.tick(now)
    life.conduct.tick(now)
    desk.tick(now, wires())
    dial(now)
    feed.tick(now)
  }

  async function end(): Promise<void> {
    const last = life
    life = undefined
    wakeWaiting()
    await last?.live.destroy()
    await flow.close()
  }

  return {
    found,
    get peers() {
      return wires().length
    },
    want: flow.setWant,
    introduce(peers) {
      book.add(peers)
      dial(Date.now())
    },
    evict: flow.evict,
    tick,
    close() {
      closing ??= end()
      return closing
    }
  }
}
