/**
 * Finds strangers, and lets them find us, without a tracker (BEP 5).
 *
 * Paced: a lookup is dozens of datagrams, so they begin half a second apart, few at once, those
 * that miss bytes first; thousands of torrents take their turns over an hour. A private torrent
 * (BEP 27) is never looked up. IPv4 only, as the package is.
 */
import { isIP } from 'node:net'
import DHT from 'bittorrent-dht'
import { type InfoHash, infoHashBytes, infoHashFromBytes } from '../../core/info-hash.ts'
import type { Log, Service } from '../process/service.ts'
import { isPrivateAddress, parseAddress } from './address.ts'
import type { PeerAddress } from './contract.ts'
import { DhtSocket } from './dht-socket.ts'
import { type Due, DueHeap } from './due-heap.ts'
import { createStrangers, type OwnAddresses } from './strangers.ts'

const MINUTE = 60_000
const BOOTSTRAP: readonly string[] = [
  'router.bittorrent.com:6881',
  'router.utorrent.com:6881',
  'dht.transmissionbt.com:6881',
  'dht.libtorrent.org:25401'
]
const MAX_AT_ONCE = 4
const MAX_TORRENTS = 100_000
const MAX_PEERS_PER_LOOKUP = 200
/** A lookup that takes longer is led astray. */
const LOOKUP_MS = 30_000
/** Others forget what was announced half an hour ago. */
const REMEMBERED_MS = 30 * MINUTE
/** The package queues what it is to ping without a bound. */
const NODE_SPACING_MS = 200

const TIMING = { spacingMs: 500, intervalMs: 20 * MINUTE, hungryMs: 5 * MINUTE }

export interface DhtConfig extends OwnAddresses {
  /** IPv4 address and UDP port of our node. */
  readonly host: string
  readonly udpPort: number
  /** `host:port` of the nodes asked first; the well-known ones by default. */
  readonly bootstrap?: readonly string[]
  readonly timing?: Partial<typeof TIMING>
}

export interface DhtTorrent {
  readonly infoHash: InfoHash
  /** Bytes missing. */
  readonly left: () => number
  readonly isPrivate: boolean
}

export interface Dht extends Service {
  /** UDP port of our node, which peers are told. */
  readonly udpPort: number
  /** Nodes known. */
  readonly size: number
  /** Announces from now on; does nothing for a private torrent, or again. */
  announce(torrent: DhtTorrent): void
  forget(infoHash: InfoHash): void
  /** A peer says it has a node there (BEP 5's PORT message); heeded a few times a second. */
  addNode(host: string, port: number): void
}

interface Turn extends Due {
  readonly infoHash: InfoHash
  readonly left: () => number
  peers: number
}

/** Opens a node. Rejects when the port cannot be bound. */
export async function openDht(
  config: DhtConfig,
  {
    log,
    onPeers
  }: {
    readonly log: Log
    readonly onPeers: (infoHash: InfoHash, peers: readonly PeerAddress[]) => void
  }
): Promise<Dht> {
  const timing = { ...TIMING, ...config.timing }
  const bootstrap = config.bootstrap ?? BOOTSTRAP
  const hosts = bootstrap.map((node) => parseAddress(node)?.host ?? '')
  const isNear = (hosts.length > 0 ? hosts : [config.host]).some(isPrivateAddress)
  const strangers = createStrangers(config)
  const socket = await DhtSocket.open(config.host, config.udpPort, {
    mayReach: (host) => isNear || !isPrivateAddress(host),
    onTrouble: (err) => log.debug({ err }, 'dht datagram failed'),
    now
  })
  const { port: udpPort } = socket.address()
  const dht = new DHT({
    bootstrap: bootstrap.length > 0 ? bootstrap : false,
    socket,
    maxAge: REMEMBERED_MS,
    maxPeers: 10_000,
    maxTables: 64,
    maxValues: 1,
    concurrency: 16
  })
  const turns = new Map<InfoHash, Turn>()
  const underWay = new Map<InfoHash, Turn>()
  const heap = new DueHeap<Turn>()
  /** Ends what is under way. */
  const endings = new Set<() => void>()
  let timer: NodeJS.Timeout | undefined
  let nextStartAt = 0
  let nextNodeAt = 0
  let closing: Promise<void> | undefined

  dht.on('error', (err) => log.warn({ err }, 'dht failed'))
  dht.on('warning', () => {})
  dht.on('peer', hear)
  dht.once('ready', ring)
  dht.listen()

  function ring(): void {
    clearTimeout(timer)
    const turn = heap.first
    if (closing !== undefined || !dht.ready || turn === undefined) return
    if (underWay.size >= MAX_AT_ONCE) return
    const wait = Math.max(turn.dueAt, nextStartAt) - now()
    if (wait > 0) {
      timer = setTimeout(ring, wait)
      return
    }
    heap.remove(turn)
    nextStartAt = now() + timing.spacingMs
    void take(turn).finally(() => {
      const pause = turn.left() > 0 && turn.peers === 0 ? timing.hungryMs : timing.intervalMs
      underWay.delete(turn.infoHash)
      if (turns.get(turn.infoHash) === turn)
        heap.put(turn, now() + pause * (1 + Math.random() / 10))
      ring()
    })
    ring()
  }

  /** One lookup, and the announce to those it found nearest. */
  async function take(turn: Turn): Promise<void> {
    turn.peers = 0
    underWay.set(turn.infoHash, turn)
    const infoHash = infoHashBytes(turn.infoHash)
    try {
      await bounded((done) => dht.lookup(infoHash, done))
      if (turns.get(turn.infoHash) !== turn) return
      await bounded((done) => dht.announce(infoHash, config.port(turn.infoHash), done))
    } catch (err) {
      log.debug({ err, infoHash: turn.infoHash }, 'dht announce failed')
    }
  }

  /** Rejects when it takes too long or we close; then what `work` returned is called. */
  function bounded(work: (done: (err: Error | null) => void) => unknown): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => settle(new Error('no end in time')), LOOKUP_MS)
      const onClose = () => settle(new Error('closed'))
      endings.add(onClose)
      let abort: unknown
      function settle(err: Error | null): void {
        clearTimeout(late)
        endings.delete(onClose)
        if (err === null) resolve()
        else reject(err)
        if (err !== null && typeof abort === 'function') abort()
      }
      abort = work(settle)
    })
  }

  function hear(peer: { host: string; port: number }, hash: Buffer): void {
    const infoHash = infoHashFromBytes(hash)
    const turn = infoHash === undefined ? undefined : underWay.get(infoHash)
    if (infoHash === undefined || turn === undefined || !turns.has(infoHash)) return
    if (turn.peers >= MAX_PEERS_PER_LOOKUP) return
    const found = strangers(infoHash, [{ host: peer.host, port: peer.port }], isNear)
    turn.peers += found.length
    if (found.length > 0 && turn.left() > 0) onPeers(infoHash, found)
  }

  function announce({ infoHash, left, isPrivate }: DhtTorrent): void {
    if (isPrivate || closing !== undefined || turns.has(infoHash)) return
    if (turns.size >= MAX_TORRENTS) return
    const turn: Turn = { infoHash, left, peers: 0, dueAt: 0, place: -1 }
    turns.set(infoHash, turn)
    heap.put(turn, left() > 0 ? 0 : now())
    ring()
  }

  async function shutDown(): Promise<void> {
    clearTimeout(timer)
    for (const end of [...endings]) end()
    await new Promise<void>((resolve) => dht.destroy(resolve))
  }

  return {
    name: 'dht',
    udpPort,
    get size() {
      return dht.nodes.toArray().length
    },
    announce,
    forget(infoHash) {
      const turn = turns.get(infoHash)
      turns.delete(infoHash)
      if (turn !== undefined) heap.remove(turn)
    },
    addNode(host, port) {
      const isAsked = isIP(host) === 4 && (isNear || !isPrivateAddress(host))
      if (closing !== undefined || !isAsked || !(port > 0 && port < 65_536)) return
      if (now() < nextNodeAt) return
      nextNodeAt = now() + NODE_SPACING_MS
      dht.addNode({ host, port })
    },
    close() {
      closing ??= shutDown()
      return closing
    }
  }
}

function now(): number {
  return performance.now()
}
