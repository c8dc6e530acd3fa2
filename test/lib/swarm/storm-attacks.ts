/** The storms themselves: each returns when the engine has had all of it. */
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { encodeBencode } from '../../../core/bencode.ts'
import type { PeerAddress } from '../../../lib/swarm/contract.ts'
import { EXTENDED, FAST, ID, listenRaw, RawPeer } from './raw-peer.ts'
import { rawSeeder } from './raw-seeder.ts'
import type { Flood } from './storm-floods.ts'
import {
  brokenMessage,
  frame,
  plausibleMessage,
  type Random,
  randomFrom,
  randomHandshake
} from './storm-random.ts'
import { gone, hostileSocket, type StormRig, type StormTarget } from './storm-rig.ts'
import { listen, verified } from './swarm-events.ts'
import { EVERYTHING, makeContent, makeFolder, NOTHING } from './torrent-folder.ts'

const MESSAGES_PER_PEER = 64
const PEERS_AT_ONCE = 16
/** Of the messages that are not the last of their connection. */
const BROKEN = 0.03

/**
 * Sends messages, wrong ones among them, until `count` went out on connections that were open.
 * Returns over how many connections.
 */
export async function randomStorm(rig: StormTarget, seed: number, count: number): Promise<number> {
  let sent = 0
  let peers = 0

  async function sendInTurn(): Promise<void> {
    while (sent < count) {
      const more = await randomPeer(rig, randomFrom(seed + peers++))
      sent += more
    }
  }

  await Promise.all(Array.from({ length: PEERS_AT_ONCE }, sendInTurn))
  return peers
}

/** One connection; resolves when it is closed, with the messages that the engine was sent. */
async function randomPeer(rig: StormTarget, random: Random): Promise<number> {
  const content = random.pick([rig.full, rig.hungry])
  const { pieceCount } = content.metainfo.geometry
  const messages = randomMessages(random, pieceCount)
  const socket = await hostileSocket(rig.port, random.below(1000))
  socket.write(randomHandshake(random, content.infoHash))
  let sent = 0
  while (sent < messages.length && socket.writable) {
    const some = messages.slice(sent, sent + 1 + random.below(16))
    await sendChopped(socket, random, Buffer.concat(some))
    sent += some.length
  }
  if (random.chance(0.1)) socket.destroy()
  else socket.end()
  await gone(socket)
  return sent
}

function randomMessages(random: Random, pieceCount: number): Buffer[] {
  return Array.from({ length: MESSAGES_PER_PEER }, (_, at) =>
    at === MESSAGES_PER_PEER - 1 || random.chance(BROKEN)
      ? brokenMessage(random, pieceCount)
      : plausibleMessage(random, pieceCount)
  )
}

async function sendChopped(socket: Socket, random: Random, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length && socket.writable; ) {
    const end = Math.min(bytes.length, at + 1 + random.below(500))
    socket.write(bytes.subarray(at, end))
    at = end
    await turn()
  }
}

/** Discoveries whose peers answer with anything. None of them may learn anything. */
export async function hostileAnswers(rig: StormRig, seed: number, count: number): Promise<void> {
  const random = randomFrom(seed)
  for (let at = 0; at < count; at++) await hostileAnswer(rig, random, at)
}

async function hostileAnswer({ swarm }: StormRig, random: Random, at: number): Promise<void> {
  const { infoHash } = makeContent(`secret ${at}`, 1)
  const over = new AbortController()
  const liar = await listenRaw(infoHash, ({ socket }) => {
    const size = { m: { ut_metadata: 1 }, metadata_size: 1 + random.below(40_000) }
    socket.write(randomHandshake(random, infoHash))
    socket.write(frame(EXTENDED, Buffer.from([0]), encodeBencode(size)))
    for (let count = 0; count < 20; count++) socket.write(metadataLie(random))
    socket.end(Buffer.concat(randomMessages(random, 60)))
    socket.once('close', () => over.abort(new Error('nothing was learned')))
  })
  const peers = [{ host: '127.0.0.1', port: liar.port, class: 'stranger' as const }]
  const outcome = await swarm.discover(infoHash, peers, over.signal).catch((err: Error) => err)
  await liar.close()
  if (!(outcome instanceof Error)) throw new Error('an invented info dictionary was believed')
}

function metadataLie(random: Random): Buffer {
  const header = { msg_type: random.below(4), piece: random.below(4), total_size: 20_000 }
  const data = random.bytes(random.pick([0, 3, 20_000 - 16_384, 300]))
  return frame(EXTENDED, Buffer.from([random.below(4)]), encodeBencode(header), data)
}

/** Connects, shakes hands, and is interested. */
export async function greeted(rig: StormTarget, at: number): Promise<RawPeer> {
  const peer = new RawPeer(await hostileSocket(rig.port, at), rig.full.infoHash)
  peer.greet()
  peer.extendedHandshake({ ut_metadata: 3, ut_pex: 1, lt_donthave: 7 })
  peer.send(FAST.haveNone)
  peer.send(ID.interested)
  return peer
}

/** Sends all of a flood; the connection stays open, unless the engine has closed it. */
export async function flood(rig: StormTarget, { bytes, times, reads }: Flood): Promise<Socket> {
  const { socket } = await unchoked(rig, 0)
  if (!reads) socket.pause()
  socket.write(Buffer.concat(Array.from({ length: times }, () => bytes)))
  if (reads) socket.end()
  return socket
}

async function unchoked(rig: StormTarget, at: number): Promise<RawPeer> {
  const peer = await greeted(rig, at)
  await peer.message(({ id }) => id === ID.unchoke)
  return peer
}

/** Peers that ask for `blocks` blocks each and read nothing; returns those that were let in. */
export async function slowReaders(
  rig: StormTarget,
  count: number,
  blocks: number
): Promise<Socket[]> {
  const { pieceCount } = rig.full.metainfo.geometry
  const outcomes = await Promise.allSettled(
    Array.from({ length: count }, (_, at) => unchoked(rig, at))
  )
  const peers = outcomes.flatMap((outcome) => ('value' in outcome ? [outcome.value] : []))
  for (const peer of peers) {
    peer.socket.pause()
    for (let at = 0; at < blocks; at++) peer.request(at % pieceCount, 0, 16 * 1024)
  }
  return peers.map(({ socket }) => socket)
}

/** Connections that say nothing, a part of a handshake, or one for a torrent nobody knows. */
export async function halfOpen(rig: StormTarget, count: number): Promise<Socket[]> {
  const handshake = randomHandshake(randomFrom(1), makeContent('nobody knows', 1).infoHash)
  const sockets = await Promise.all(
    Array.from({ length: count }, (_, at) => hostileSocket(rig.port, at))
  )
  for (const [at, socket] of sockets.entries()) {
    const length = [0, 1, 47, 67, 68][at % 5] ?? 0
    if (length > 0) socket.write(handshake.subarray(0, length))
  }
  return sockets
}

/** Connections that shake hands and stay. */
export async function crowd(rig: StormTarget, count: number): Promise<Socket[]> {
  const sockets: Socket[] = []
  for (let at = 0; at < count; at += 100) {
    const some = Array.from({ length: 100 }, (_, more) => greeted(rig, at + more))
    sockets.push(...(await Promise.all(some)).map(({ socket }) => socket))
  }
  return sockets
}

export interface DeadSwarm {
  /** A reader comes, asks for a window, and gives up. */
  giveUp(): Promise<void>
  /** Somebody asks for the info dictionary of what nobody has, and gives up. */
  forget(): Promise<void>
  close(): Promise<void>
}

/** A torrent whose peers are gone, but one that has it all and never answers. */
export async function deadSwarm(rig: StormRig, folder: string): Promise<DeadSwarm> {
  const { swarm } = rig
  const content = makeContent('dead', 200)
  const { infoHash } = content
  const empty = await makeFolder(content, join(folder, 'dead'), { full: false })
  const mute = await listenRaw(infoHash, (peer) => {
    peer.greet()
    peer.send(FAST.haveAll)
    peer.send(ID.unchoke)
    peer.socket.on('data', () => void peer.received.splice(0))
  })
  const ports = [mute.port, await closedPort(), await closedPort()]
  const peers: PeerAddress[] = ports.map((port) => ({
    host: '127.0.0.1',
    port,
    class: 'stranger'
  }))
  let cycles = 0
  swarm.join(empty.torrent(NOTHING, peers))

  async function giveUp(): Promise<void> {
    const first = (7 * cycles++) % 190
    if (cycles % 100 === 0) {
      await swarm.leave(infoHash)
      swarm.join(empty.torrent(NOTHING, peers))
    }
    swarm.want(infoHash, { all: false, windows: [{ first, end: first + 10 }] })
    // Answered after what was said before: the engine has taken the window up.
    await swarm.evict(infoHash, 0, 0)
    swarm.want(infoHash, NOTHING)
    await swarm.evict(infoHash, 0, 0)
  }

  async function forget(): Promise<void> {
    const stop = new AbortController()
    const unknown = makeContent(`unknown ${cycles++}`, 1).infoHash
    const pending = swarm.discover(unknown, peers, stop.signal).catch(() => {})
    stop.abort(new Error('given up'))
    await pending
    await swarm.leave(unknown)
  }

  async function close(): Promise<void> {
    await swarm.leave(infoHash)
    await mute.close()
  }

  return { giveUp, forget, close }
}

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Fetches a torrent from an honest peer and three that spoil a block now and then. */
export async function fetchAmongLiars(
  { swarm }: StormRig,
  folder: string,
  seed: number
): Promise<boolean> {
  const random = randomFrom(seed)
  const content = makeContent('half true', 40)
  const empty = await makeFolder(content, folder, { full: false })
  const lie = (_: number, bytes: Buffer) =>
    random.chance(0.2) ? random.bytes(bytes.length) : bytes
  const seeders = await Promise.all([
    rawSeeder(content),
    ...Array.from({ length: 3 }, () => rawSeeder(content, lie))
  ])
  const peers = seeders.map(({ port }) => ({
    host: '127.0.0.1',
    port,
    class: 'stranger' as const
  }))
  const events = listen(swarm, content.infoHash)
  swarm.join(empty.torrent(EVERYTHING, peers))
  await verified(
    events,
    Array.from({ length: 40 }, (_, index) => index)
  )
  await swarm.leave(content.infoHash)
  for (const seeder of seeders) await seeder.close()
  return (await empty.read()).equals(content.bytes)
}
