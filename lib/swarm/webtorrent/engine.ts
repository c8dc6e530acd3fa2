/**
 * webtorrent behind the engine contract: commands in, events out.
 *
 * Commands of one torrent take effect in the order they came: a join after a leave waits until the
 * files of the earlier one are free. Nothing a command says may throw; what goes wrong is posted.
 */
import type { Torrent } from 'webtorrent'
import { type InfoHash, parseInfoHash } from '../../../core/info-hash.ts'
import { createDescriptors } from '../../store/descriptors.ts'
import type {
  EngineCommand,
  EngineConfig,
  EngineEvent,
  EngineTorrent,
  PeerAddress
} from '../contract.ts'
import { createKnocks } from '../knocks.ts'
import { createTurns } from '../turns.ts'
import { closeClient, openClient } from './client.ts'
import { type Discovery, discover } from './discovery.ts'
import { type JoinedTorrent, joinTorrent } from './joined-torrent.ts'

const TICK_MS = 500
const MAX_OPEN_FILES = 128
const MAX_DISCOVERIES = 256

export interface Engine {
  readonly port: number
  handle(command: EngineCommand): void
  /** Resolves when no file is in use and the port is free. */
  close(): Promise<void>
}

/** Opens the engine; rejects when the port cannot be had. Posts `ready` first. */
export async function openEngine(
  config: EngineConfig,
  post: (event: EngineEvent) => void
): Promise<Engine> {
  const client = await openClient(config, (message) => trouble(null, message))
  const descriptors = createDescriptors({ max: MAX_OPEN_FILES })
  const joined = new Map<InfoHash, JoinedTorrent>()
  const discoveries = new Map<InfoHash, Discovery>()
  const turns = createTurns((infoHash, err) => trouble(infoHash, `command failed: ${String(err)}`))
  const knocks = createKnocks((infoHash) => post({ type: 'knock', infoHash }))
  const ticking = setInterval(tick, TICK_MS)
  let closing: Promise<void> | undefined

  client.get = lookUp
  post({ type: 'ready', port: client.torrentPort })

  function trouble(infoHash: InfoHash | null, message: string): void {
    post({ type: 'trouble', infoHash, message })
  }

  /** For an incoming handshake; must not reject, nobody would catch it. */
  async function lookUp(text: string): Promise<Torrent | null> {
    const infoHash = parseInfoHash(text)
    if (infoHash === undefined || closing !== undefined) return null
    if (!joined.has(infoHash) && !discoveries.has(infoHash)) await knocks.wait(infoHash)
    const entry = joined.get(infoHash) ?? discoveries.get(infoHash)
    return (await entry?.found()) ?? null
  }

  function mayConnect(): boolean {
    let peers = 0
    for (const torrent of joined.values()) peers += torrent.peers
    return peers < config.maxPeers
  }

  async function join(torrent: EngineTorrent): Promise<void> {
    const { infoHash } = torrent
    if (joined.has(infoHash) || closing !== undefined) return
    await endDiscovery(infoHash)
    const deps = { client, descriptors, maxPeers: config.maxPeersPerTorrent, mayConnect, post }
    joined.set(infoHash, joinTorrent(torrent, deps))
    knocks.arrived(infoHash)
  }

  async function leave(infoHash: InfoHash): Promise<void> {
    const torrent = joined.get(infoHash)
    joined.delete(infoHash)
    await endDiscovery(infoHash)
    await torrent?.close()
    post({ type: 'left', infoHash })
  }

  async function endDiscovery(infoHash: InfoHash): Promise<void> {
    const discovery = discoveries.get(infoHash)
    discoveries.delete(infoHash)
    await discovery?.close()
  }

  function startDiscovery(infoHash: InfoHash, peers: readonly PeerAddress[]): void {
    if (joined.has(infoHash) || closing !== undefined) return
    const known = discoveries.get(infoHash)
    if (known !== undefined) known.introduce(peers)
    else if (discoveries.size >= MAX_DISCOVERIES) trouble(infoHash, 'too many discoveries')
    else addDiscovery(infoHash, peers)
  }

  function addDiscovery(infoHash: InfoHash, peers: readonly PeerAddress[]): void {
    const onInfo = (info: Uint8Array) => {
      post({ type: 'metadata', infoHash, info })
      turns.run(infoHash, () => endDiscovery(infoHash))
    }
    const onTrouble = (message: string) => trouble(infoHash, message)
    const deps = { client, maxPeers: config.maxPeersPerTorrent, mayConnect, onInfo, onTrouble }
    discoveries.set(infoHash, discover(infoHash, peers, deps))
    knocks.arrived(infoHash)
  }

  async function evict(infoHash: InfoHash, first: number, end: number): Promise<void> {
    if (end > first) await joined.get(infoHash)?.evict(first, end)
    post({ type: 'evicted', infoHash, first, end })
  }

  function introduce(infoHash: InfoHash, peers: readonly PeerAddress[]): void {
    joined.get(infoHash)?.introduce(peers)
    discoveries.get(infoHash)?.introduce(peers)
  }

  function handle(command: EngineCommand): void {
    if (command.type === 'close') return void close()
    const infoHash = command.type === 'join' ? command.torrent.infoHash : command.infoHash
    turns.run(infoHash, () => perform(command))
  }

  function perform(command: Exclude<EngineCommand, { type: 'close' }>): Promise<void> | void {
    switch (command.type) {
      case 'join':
        return join(command.torrent)
      case 'leave':
        return leave(command.infoHash)
      case 'want':
        return joined.get(command.infoHash)?.want(command.want)
      case 'peers':
        return introduce(command.infoHash, command.peers)
      case 'discover':
        return startDiscovery(command.infoHash, command.peers)
      case 'approach':
        // Only saves time, which this engine has no way to.
        return
      case 'evict':
        return evict(command.infoHash, command.first, command.end)
    }
  }

  function tick(): void {
    const now = Date.now()
    for (const torrent of joined.values()) torrent.tick(now)
    for (const discovery of discoveries.values()) discovery.tick(now)
  }

  async function shutDown(): Promise<void> {
    clearInterval(ticking)
    knocks.close()
    await turns.settled()
    await Promise.all([...joined.values()].map((torrent) => torrent.close()))
    await Promise.all([...discoveries.keys()].map(endDiscovery))
    await closeClient(client)
    await descriptors.close()
  }

  function close(): Promise<void> {
    closing ??= shutDown()
    return closing
  }

  return { port: client.torrentPort, handle, close }
}
