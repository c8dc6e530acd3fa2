/** One engine under a storm: what it shares, what it weighs, and an honest peer to ask it. */
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import type { Worker } from 'node:worker_threads'
import { pino } from 'pino'
import type { Test } from 'tap'
import { createSwarm, type Swarm, type SwarmConfig } from '../../../lib/swarm/swarm.ts'
import { dial, FAST, ID } from './raw-peer.ts'
import {
  type Content,
  EVERYTHING,
  makeContent,
  makeFolder,
  NOTHING,
  pieceOf,
  type TorrentFolder
} from './torrent-folder.ts'

const BLOCK = 16 * 1024
/** Honest peers come from 127.0.0.1, all others from these. */
const HOSTILE_ADDRESSES = 200

/** Bytes, after a collection of garbage in the engine's thread; and open descriptors. */
export interface Weight {
  readonly heap: number
  readonly external: number
  readonly descriptors: number
}

/** What an attacker has to know; the same in every process. */
export interface StormTarget {
  readonly port: number
  /** Complete, with nothing wanted. */
  readonly full: Content
  /** Empty, with everything wanted and nobody who has it. */
  readonly hungry: Content
}

export interface StormRig extends StormTarget {
  readonly swarm: Swarm
  /** The torrent `hungry` as the engine works on it. */
  readonly larder: TorrentFolder
  /** The thread that was there at the start still is. */
  readonly alive: boolean
  /** Lines logged as errors. */
  readonly errors: readonly string[]
  weigh(): Promise<Weight>
}

export function stormTarget(port: number): StormTarget {
  return { port, full: makeContent('storm', 60), hungry: makeContent('hungry', 60) }
}

export async function openRig(
  t: Pick<Test, 'teardown'>,
  folder: string,
  engine: SwarmConfig['engine']
): Promise<StormRig> {
  const errors: string[] = []
  const log = pino({ level: 'error' }, { write: (line: string) => void errors.push(line) })
  const config = { engine, wireHost: '127.0.0.1', wirePort: 0, workers: 1 }
  const started = once(process, 'worker')
  const swarm = await createSwarm(config, { log })
  const [worker]: Worker[] = await started
  if (worker === undefined) throw new Error('the engine has no thread')
  let alive = true
  worker.once('exit', () => {
    alive = false
  })
  t.teardown(() => swarm.close())
  const target = stormTarget(swarm.ports[0] ?? 0)
  const whole = await makeFolder(target.full, join(folder, 'full'), { full: true })
  const larder = await makeFolder(target.hungry, join(folder, 'hungry'), { full: false })
  swarm.join(whole.torrent(NOTHING))
  swarm.join(larder.torrent(EVERYTHING))

  return {
    ...target,
    swarm,
    larder,
    errors,
    get alive() {
      return alive
    },
    weigh: () => weigh(worker)
  }
}

async function weigh(worker: Worker): Promise<Weight> {
  // Taking a snapshot collects all garbage first.
  await finished((await worker.getHeapSnapshot()).resume())
  const { used_heap_size, external_memory } = await worker.getHeapStatistics()
  return {
    heap: used_heap_size,
    external: external_memory,
    descriptors: readdirSync('/proc/self/fd').length
  }
}

/** Asks for a block of `full` as a peer that means well; false when it is a wrong one. */
export async function serves({ port, full }: StormTarget): Promise<boolean> {
  const peer = await dial(port, full.infoHash)
  peer.greet()
  peer.extendedHandshake({ ut_metadata: 3 })
  peer.send(FAST.haveNone)
  peer.send(ID.interested)
  await peer.message(({ id }) => id === ID.unchoke)
  peer.request(0, 0, BLOCK)
  const { body } = await peer.message(({ id }) => id === ID.piece)
  await peer.end()
  return body.subarray(8).equals(pieceOf(full, 0).subarray(0, BLOCK))
}

/** A connection from one of many addresses; whatever comes in is dropped, errors too. */
export async function hostileSocket(port: number, at: number): Promise<Socket> {
  const localAddress = `127.0.1.${1 + (at % HOSTILE_ADDRESSES)}`
  const socket = connect({ host: '127.0.0.1', port, localAddress, noDelay: true })
  socket.on('error', () => {})
  socket.resume()
  await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))
  return socket
}

/** Resolves when the connection is closed, by whomever and however. */
export async function gone(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
}

/** Closes them, and resolves when they are. */
export async function hangUp(sockets: readonly Socket[]): Promise<void> {
  for (const socket of sockets) socket.destroy()
  await Promise.all(sockets.map(gone))
}
